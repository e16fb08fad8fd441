from decimal import Decimal

import pytest

from millstream.contracts.enums import Side
from millstream.contracts.errors import IntegrityError, NotFoundError
from millstream.contracts.instrument import Instrument
from millstream.portfolio.currency import MissingRateError
from millstream.portfolio.ledger import Fill, Ledger

D = Decimal

INSTRUMENTS = {
    item.key: item
    for item in (
        Instrument(exchange="X", symbol="A", currency="USD"),
        Instrument(exchange="X", symbol="BTC/EUR", currency="EUR", base="BTC"),
    )
}


def ledger(**rates: D) -> Ledger:
    book = Ledger("p", "USD", INSTRUMENTS, rates)
    book.deposit("USD", D(1000))
    return book


def fill(trade: str, side: Side, amount: str, price: str, **changes: object) -> Fill:
    fields: dict[str, object] = {
        "venue": "paper", "account": "p", "trade_id": trade, "instrument": "X:A", "side": side, "quantity": D(amount),
        "price": D(price), "fee": D(0), "fee_currency": "USD", "ts": 1,
    }  # fmt: skip
    return Fill(**{**fields, **changes})


def test_buying_twice_averages_the_cost_and_moves_cash():
    book = ledger()
    book.apply_fill(fill("1", Side.BUY, "2", "100"))
    result = book.apply_fill(fill("2", Side.BUY, "2", "110", fee=D(1)))
    assert result.position.average_price == 105
    assert book.cash == {"USD": D(1000) - 200 - 220 - 1}
    assert book.version == 3
    assert result.position.fees == 1


def test_selling_part_realises_against_the_average():
    book = ledger()
    book.apply_fill(fill("1", Side.BUY, "4", "100"))
    result = book.apply_fill(fill("2", Side.SELL, "1", "130"))
    assert result.realized_pnl == 30
    assert (result.position.quantity, result.position.average_price) == (3, 100)


@pytest.mark.parametrize(("first", "second", "pnl"), [(Side.BUY, Side.SELL, 40), (Side.SELL, Side.BUY, -40)])
def test_a_flip_through_zero_closes_all_and_opens_the_rest_at_its_price(first, second, pnl):
    book = ledger()
    book.apply_fill(fill("1", first, "2", "100"))
    result = book.apply_fill(fill("2", second, "5", "120"))
    assert result.realized_pnl == pnl
    assert result.position.quantity == 3 * second.sign
    assert result.position.average_price == 120


def test_closing_exactly_leaves_a_flat_position_without_a_price():
    book = ledger()
    book.apply_fill(fill("1", Side.SELL, "2", "100"))
    position = book.apply_fill(fill("2", Side.BUY, "2", "90")).position
    assert (position.quantity, position.average_price, position.realized_pnl) == (0, 0, 20)


def test_the_same_trade_again_changes_nothing():
    book = ledger()
    book.apply_fill(fill("1", Side.BUY, "2", "100"))
    again = book.apply_fill(fill("1", Side.BUY, "2", "100"))
    assert not again.applied
    assert (again.version, book.version, book.quantity("X:A")) == (2, 2, 2)


def test_the_same_trade_id_with_other_numbers_is_an_integrity_error():
    book = ledger()
    book.apply_fill(fill("1", Side.BUY, "2", "100"))
    with pytest.raises(IntegrityError, match="other numbers"):
        book.apply_fill(fill("1", Side.BUY, "2", "101"))
    assert book.quantity("X:A") == 2


@pytest.mark.parametrize("changes", [{"quantity": D(0)}, {"quantity": D("NaN")}, {"instrument": "X:NONE"}])
def test_a_fill_that_cannot_be_booked_is_an_integrity_error(changes):
    book = ledger()
    with pytest.raises(IntegrityError):
        book.apply_fill(fill("1", Side.BUY, "1", "1", **changes))
    assert book.version == 1


def test_fees_in_quote_base_and_third_currency_leave_their_own_cash():
    book = ledger(EUR=D("1.1"), BTC=D(110), BNB=D(10))
    for trade, currency, fee in (("1", "EUR", "1"), ("2", "BTC", "0.01"), ("3", "BNB", "0.1")):
        book.apply_fill(fill(trade, Side.BUY, "1", "100", instrument="X:BTC/EUR", fee=D(fee), fee_currency=currency))
    assert book.cash == {"USD": D(1000), "EUR": D(-301), "BTC": D("-0.01"), "BNB": D("-0.1")}
    assert book.fees == {"EUR": D(1), "BTC": D("0.01"), "BNB": D("0.1")}
    assert book.total_fees() == D("1.1") + D("1.1") + D(1)
    assert book.equity() == 1000 - book.total_fees()


def test_equity_without_a_rate_is_an_error():
    book = ledger()
    book.apply_fill(fill("1", Side.BUY, "1", "100", instrument="X:BTC/EUR", fee_currency="EUR"))
    with pytest.raises(MissingRateError, match="EUR"):
        book.equity()


def test_equity_follows_marks_and_rates_and_converts():
    book = ledger(EUR=D(1))
    book.apply_fill(fill("1", Side.BUY, "1", "100", instrument="X:BTC/EUR", fee_currency="EUR"))
    assert book.equity() == 1000
    book.mark("X:BTC/EUR", D(150))
    assert book.equity() == 1050
    book.set_rate("EUR", D(2))
    assert (book.equity(), book.equity("EUR"), book.unrealized_pnl()) == (1100, 550, 100)
    assert book.version == 2


def test_notional_needs_a_mark_and_a_registration():
    book = ledger()
    with pytest.raises(NotFoundError, match="no mark"):
        book.notional("X:A", D(1))
    with pytest.raises(NotFoundError, match="no registration"):
        book.notional("X:NONE", D(1), D(1))
    assert book.notional("X:A", D(3), D(2)) == 6


def test_a_restored_ledger_equals_the_one_it_was_stored_from():
    book = ledger()
    done = [fill("1", Side.BUY, "3", "100", fee=D(1)), fill("2", Side.SELL, "1", "130")]
    for item in done:
        book.apply_fill(item)
    book.mark("X:A", D(140))
    again = Ledger.from_state(
        "p", "USD", INSTRUMENTS,
        version=book.version, cash=book.cash, positions=book.positions.values(), fees=book.fees, marks=book.marks,
        fills=done,
    )  # fmt: skip
    moment = {"event_id": "e", "occurred_at": 2}
    assert again.view(5, **moment) == book.view(5, **moment)
    assert again.is_known(done[0])
    assert not again.apply_fill(done[1]).applied


def test_a_restored_position_without_a_mark_is_valued_at_cost_and_named():
    book = ledger()
    position = book.apply_fill(fill("1", Side.BUY, "3", "100")).position
    again = Ledger.from_state(
        "p", "USD", INSTRUMENTS, version=2, cash=book.cash, positions=[position], fees={}, marks={}
    )
    assert again.unmarked == ("X:A",)
    assert again.equity() == 1000


def test_the_view_tells_the_whole_portfolio():
    book = ledger()
    book.apply_fill(fill("1", Side.BUY, "3", "100", fee=D(2)))
    book.mark("X:A", D(110))
    view = book.view(7, event_id="e", occurred_at=8, session="replay-1")
    assert (view.version, view.ts, view.equity, view.fees, view.unrealized_pnl) == (2, 7, 1028, 2, 30)
    assert view.cash == {"USD": D(698)}
    assert (view.positions[0].quantity, view.positions[0].mark, view.session) == (3, 110, "replay-1")


@pytest.mark.parametrize("rate", [D(0), D(-1), D("NaN")])
def test_a_rate_must_be_positive(rate):
    with pytest.raises(ValueError, match="positive"):
        ledger().set_rate("EUR", rate)
