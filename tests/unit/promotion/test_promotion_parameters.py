import pytest

from millstream.contracts.errors import InputError
from millstream.promotion.parameters import bind, declared_in, parse_assignments

SOURCE = """
'''What can be changed.'''
symbol, timeframe = "SAMPLE:AAPL", "1d"
fast = 20  # bars
threshold: float = 1
stop: float | None = None
weights = [0.5, 1]
names: list[str] = []
enabled = True
"""
DECLARED = declared_in(SOURCE, "cell 2")


def test_declared_parameters_have_names_defaults_and_kinds():
    assert {one.name: (one.default, one.kind, one.element) for one in DECLARED} == {
        "symbol": ("SAMPLE:AAPL", str, None),
        "timeframe": ("1d", str, None),
        "fast": (20, int, None),
        "threshold": (1.0, float, None),
        "stop": (None, float, None),
        "weights": ([0.5, 1.0], list, float),
        "names": ([], list, str),
        "enabled": (True, bool, None),
    }


def test_bind_without_values_gives_the_defaults():
    assert bind(DECLARED, {})["fast"] == 20


def test_undeclared_parameter_is_refused_with_the_near_match():
    with pytest.raises(InputError, match="no parameter 'fsat'") as caught:
        bind(DECLARED, {"fsat": 3})
    assert "Did you mean 'fast'?" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fast", "abc"),
        ("fast", 1.5),
        ("fast", True),
        ("fast", None),
        ("fast", [1]),
        ("enabled", 1),
        ("symbol", 3),
        ("threshold", float("nan")),
        ("threshold", float("inf")),
        ("weights", 1.0),
        ("weights", ["a"]),
        ("names", [["a"]]),
        ("stop", {"a": 1}),
    ],
)
def test_value_of_another_type_is_refused(name, value):
    with pytest.raises(InputError, match=f"the parameter {name} = "):
        bind(DECLARED, {name: value})


def test_texts_of_a_command_line_become_values():
    texts = ["fast=7", "threshold=2", "stop=null", "weights=1,2.5", 'names=["a"]', "enabled=false", "symbol=12"]
    assert parse_assignments(DECLARED, texts) == {
        "fast": 7,
        "threshold": 2.0,
        "stop": None,
        "weights": [1.0, 2.5],
        "names": ["a"],
        "enabled": False,
        "symbol": "12",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fast=abc", "fast = 'abc' is not an integer"),
        ("threshold=NaN", "is not a number"),
        ("enabled=yes", "is not true or false"),
        ("fast", "is not NAME=VALUE"),
        ("a b=1", "is not NAME=VALUE"),
        ("__import__('os')=1", "is not NAME=VALUE"),
        ("slow=1", "no parameter 'slow'"),
        ("weights=[1,", "is not a list"),
    ],
)
def test_text_that_is_no_assignment_of_the_right_type_is_refused(text, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        parse_assignments(DECLARED, [text])


def test_parameter_given_twice_is_refused():
    with pytest.raises(InputError, match="given twice"):
        parse_assignments(DECLARED, ["fast=1", "fast=2"])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os\nfast = 1", "line 1: a parameters cell only assigns constants"),
        ("fast = 1 + n", "fast is not a constant"),
        ("fast = {'a': 1}", "fast is not a constant"),
        ("fast = 1\nfast = 2", "declares fast twice"),
        ("x.fast = 1", "only assigns constants"),
        ("fast = ", "invalid syntax"),
    ],
)
def test_parameters_cell_that_is_more_than_constants_is_refused(source, message):
    with pytest.raises(InputError, match=message.replace("+", r"\+")):
        declared_in(source, "cell 2")
