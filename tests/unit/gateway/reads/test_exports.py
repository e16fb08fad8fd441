"""Trades as CSV."""

import csv
from datetime import UTC, datetime
from decimal import Decimal

from millstream.contracts.api.trading import Trade
from millstream.contracts.enums import Side
from millstream.gateway.reads.exports import COLUMNS, trades_csv


def trade(**fields):
    return Trade(
        **{
            "trade": "t1",
            "deployment": "d",
            "portfolio": "p",
            "instrument": "X:A",
            "session": "",
            "target": "paper",
            "side": Side.BUY,
            "quantity": Decimal(5),
            "entry_price": Decimal("10.5"),
            "opened_at": datetime(2024, 1, 2, tzinfo=UTC),
            "pnl": Decimal(-3),
            "fees": Decimal(1),
            "currency": "USD",
        }
        | fields
    )


def test_every_line_has_every_column_and_what_is_missing_is_empty():
    head, row = csv.reader(trades_csv([trade(indicators={"fast": 1.5, "slow": 2.0})]))
    found = dict(zip(head, row, strict=True))
    assert tuple(head) == COLUMNS
    assert (found["closed_at"], found["exit_price"]) == ("", "")
    assert (found["pnl"], found["opened_at"], found["indicators"]) == (
        "-3",
        "2024-01-02T00:00:00Z",
        "fast=1.5 slow=2.0",
    )


def test_text_that_a_spreadsheet_would_compute_is_kept_a_text():
    _, row = csv.reader(trades_csv([trade(reason='=HYPERLINK("x")', deployment="a,b")]))
    assert '\'=HYPERLINK("x")' in row
    assert "a,b" in row


def test_no_trades_are_a_header_alone():
    assert len(list(trades_csv([]))) == 1
