import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from millstream.cli import output
from millstream.contracts.api.trading import Halt, LimitUse


class Row(msgspec.Struct, frozen=True):
    ts: int
    quantity: Decimal
    sequence: int


@pytest.fixture
def narrow(monkeypatch):
    """A console of 40 columns; call it for what was printed."""
    console = Console(width=40, record=True, highlight=False)
    monkeypatch.setattr(output, "console", console)
    return console.export_text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        ("", "–"),
        (Decimal("1234.50000000"), "1,234.5"),
        (Decimal(100), "100"),
        (Decimal("0.00000012345678"), "0.00000012346"),
        (output.price(Decimal("5.92577767")), "5.9258"),
        (output.amount(Decimal("31783.8912345")), "31,783.89"),
        (output.amount(Decimal("0.000012345678")), "0.000012346"),
        (1500, "1,500"),
        (True, "True"),
        (0.12344, "0.1234"),
        (datetime(2013, 3, 1, tzinfo=UTC), "2013-03-01 00:00"),
    ],
)
def test_a_cell_is_short_and_has_no_zeros_at_its_end(value, shown):
    assert output.text(value) == shown


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (0, None),
        (1_362_096_000_000_000_000, "2013-03-01 00:00"),
        ("2013-03-01T00:00:05Z", "2013-03-01 00:00:05"),
        ("2013-03-01T02:00:00+02:00", "2013-03-01 00:00"),
    ],
)
def test_a_time_is_shown_to_the_minute_in_utc(moment, shown):
    assert output.when(moment) == shown


def test_json_has_exact_decimals_iso_times_and_no_nan(capsys):
    row = Row(ts=1_362_096_000_000_000_000, quantity=Decimal("1.500"), sequence=1_362_096_000_000_000_000)
    output.print_json({"rows": (row,), "ratio": float("nan"), "file": Path("a"), "last": 0, "ok": True})
    assert json.loads(capsys.readouterr().out) == {
        "rows": [{"ts": "2013-03-01T00:00:00Z", "quantity": "1.5", "sequence": 1_362_096_000_000_000_000}],
        "ratio": None,
        "file": "a",
        "last": None,
        "ok": True,
    }


def test_json_of_a_model_is_what_the_api_writes_with_plain_decimals(capsys):
    halt = Halt(scope="global", state="halted", actor="ann", reason="r", changed_at="2013-03-01T02:00:00+02:00")
    use = LimitUse(deployment="d", portfolio="p", name="n", code="C", limit=Decimal("1E+5"), used=Decimal("0.10"))
    output.print_json({"halt": halt, "limits": [use]})
    found = json.loads(capsys.readouterr().out)
    assert (found["halt"]["scope"], found["halt"]["changed_at"]) == ("global", "2013-03-01T00:00:00Z")
    assert (found["limits"][0]["limit"], found["limits"][0]["used"]) == ("100000", "0.1")


def test_a_narrow_table_leaves_out_spare_columns_in_their_order_and_names_them(narrow):
    row = ["SAMPLE:AAPL", "2013-03-01 00:00", "spare", "rest"]
    output.table("Title", ["instrument", "time", "first", "second"], [row], spare=("first", "second"))
    printed = narrow()
    assert "2013-03-01 00:00" in printed
    assert "rest" in printed
    assert "spare" not in printed
    assert "not shown at this width: first" in printed


def test_a_wide_enough_table_keeps_every_column(narrow):
    output.table("T", ["a", "b"], [["x", Decimal(1)]], spare=("b",))
    assert "not shown" not in narrow()


def test_a_table_without_rows_says_what_to_do(narrow):
    output.table("Orders", ["a"], [], empty="promote something")
    assert "promote something" in narrow()
