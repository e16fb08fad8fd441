from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import numpy as np
import pytest

from millstream.contracts.errors import InputError
from millstream.sdk import Ge, Le, Lt, Strategy


class Everything(Strategy):
    count: Annotated[int, Ge(1), Le(10)] = 3
    ratio: Annotated[float, Lt(1)] = 0.5
    name: str = "x"
    flag: bool = False
    size: Decimal = Decimal("0.1")
    mode: Literal["slow", "fast"] = "slow"
    limit: Annotated[int, Ge(0)] | None = None
    windows: list[int] = [1, 2]  # noqa: RUF012 - a default as notebooks write it
    levels: Annotated[list[float], Ge(0)] = [0.5]  # noqa: RUF012 - as above
    constant: ClassVar[int] = 7

    def target(self, bars):
        return bars.close


def test_defaults_are_used_and_listed():
    strategy = Everything()
    assert strategy.parameters == {
        "count": 3,
        "ratio": 0.5,
        "name": "x",
        "flag": False,
        "size": Decimal("0.1"),
        "mode": "slow",
        "limit": None,
        "windows": [1, 2],
        "levels": [0.5],
        "rebalance": "on_change",
        "stop_loss": None,
        "take_profit": None,
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"count": 4.0}, 4),
        ({"count": np.int64(4)}, 4),
        ({"ratio": 0}, 0.0),
        ({"ratio": np.float32(0.25)}, 0.25),
        ({"flag": np.True_}, True),
        ({"size": 0.1}, Decimal("0.1")),
        ({"size": "2.50"}, Decimal("2.50")),
        ({"limit": 2}, 2),
        ({"limit": None}, None),
        ({"windows": (3, 4)}, [3, 4]),
    ],
)
def test_value_of_a_compatible_type_becomes_the_declared_type(given, expected):
    (name,) = given
    value = getattr(Everything(**given), name)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "given",
    [
        {"count": "4"},
        {"count": 4.5},
        {"count": True},
        {"count": 0},
        {"count": 11},
        {"ratio": "0.5"},
        {"ratio": float("nan")},
        {"ratio": 1.0},
        {"ratio": True},
        {"name": 5},
        {"flag": 1},
        {"size": float("inf")},
        {"size": "a lot"},
        {"mode": "medium"},
        {"limit": -1},
        {"windows": "12"},
        {"windows": [1, "2"]},
        {"windows": 5},
        {"levels": [0.5, -0.1]},
        {"stop_loss": 1.5},
        {"take_profit": 0},
        {"rebalance": "never"},
    ],
)
def test_wrong_value_is_an_error_that_names_the_parameter_and_what_is_allowed(given):
    (name,) = given
    with pytest.raises(InputError, match=rf"Everything\.{name}") as error:
        Everything(**given)
    assert error.value.hint.startswith(f"{name} must be")


def test_unknown_parameter_is_answered_with_the_near_match():
    with pytest.raises(InputError, match="no parameter 'cuont'") as error:
        Everything(cuont=3)
    assert "Did you mean 'count'?" in error.value.hint


def test_class_variable_is_no_parameter():
    with pytest.raises(InputError, match="constant"):
        Everything(constant=8)


def test_missing_value_is_named():
    class Needy(Strategy):
        length: int

        def target(self, bars):
            return bars.close

    with pytest.raises(InputError, match="needs a value for 'length'"):
        Needy()
    assert Needy(length=3).length == 3


def test_parameters_of_a_base_class_are_inherited():
    class More(Everything):
        extra: int = 1

    assert More(extra=2, count=5).parameters["count"] == 5


def test_annotations_as_text_are_understood():
    namespace: dict = {}
    source = (
        "from __future__ import annotations\n"
        "from millstream.sdk import Strategy\n"
        "class Late(Strategy):\n"
        "    length: int = 3\n"
        "    def target(self, bars): return bars.close\n"
    )
    exec(source, namespace)
    with pytest.raises(InputError, match="length"):
        namespace["Late"](length="x")
