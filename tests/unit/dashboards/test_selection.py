from types import SimpleNamespace

import pytest

from millstream_dashboards.monitor.selection import Selection

DEPLOYMENTS = [
    SimpleNamespace(deployment="sma-1", strategy="sma"),
    SimpleNamespace(deployment="sma-2", strategy="sma"),
    SimpleNamespace(deployment="rev-1", strategy="rev"),
]


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(), ["sma-1", "sma-2", "rev-1"]),
        (Selection(("sma",)), ["sma-1", "sma-2"]),
        (Selection(("sma", "rev")), ["sma-1", "sma-2", "rev-1"]),
        (Selection((), ("rev-1",)), ["rev-1"]),
        (Selection(("sma",), ("sma-2",)), ["sma-2"]),
    ],
)
def test_one_several_or_all_strategies_are_selected(selection, names):
    assert [one.deployment for one in selection.of(DEPLOYMENTS)] == names


def test_selection_survives_the_way_through_an_address():
    selection = Selection(("a b", "ü&x"), ("d-1",))
    from urllib.parse import parse_qs

    parsed = {name: [v.encode() for v in values] for name, values in parse_qs(selection.query()[1:]).items()}
    assert Selection.parse(parsed) == selection


def test_everything_selected_leaves_the_address_alone():
    assert (Selection().query(), Selection().filters()) == ("", {})


def test_empty_and_repeated_names_of_an_address_are_dropped():
    assert Selection.parse({"strategy": [b"", b"sma", b"sma"]}) == Selection(("sma",))


def test_names_that_do_not_exist_are_forgotten():
    assert Selection(("gone", "sma"), ("rev-1", "sma-1")).known(DEPLOYMENTS) == Selection(("sma",), ("sma-1",))
    assert Selection(("gone",)).known(DEPLOYMENTS) == Selection()
