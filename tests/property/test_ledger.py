from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from millstream.contracts.enums import Side
from millstream.contracts.instrument import Instrument
from millstream.portfolio.ledger import Fill, Ledger

D = Decimal

INSTRUMENTS = {
    item.key: item
    for item in (
        Instrument(exchange="X", symbol="A", currency="USD"),
        Instrument(exchange="X", symbol="B", currency="EUR", base="B"),
    )
}
RATES = {"EUR": D("1.25"), "BNB": D(300)}
amounts = st.decimals("0.000001", "1000", places=6)
prices = st.decimals("0.01", "100000", places=2)
steps = st.tuples(
    st.sampled_from(sorted(INSTRUMENTS)), st.sampled_from(list(Side)), amounts, prices,
    st.decimals("-1", "5", places=4), st.sampled_from(["USD", "EUR", "BNB"]), prices,
)  # fmt: skip


@given(st.lists(steps, max_size=40))
def test_equity_is_initial_plus_realised_plus_unrealised_minus_fees(sequence):
    ledger = Ledger("p", "USD", INSTRUMENTS, RATES)
    ledger.deposit("USD", D(100_000))
    traded = dict.fromkeys(INSTRUMENTS, D(0))
    for number, (key, side, quantity, price, fee, currency, mark) in enumerate(sequence):
        fill = Fill(
            venue="v", account="a", trade_id=str(number), instrument=key, side=side, quantity=quantity, price=price,
            fee=fee, fee_currency=currency, ts=number,
        )  # fmt: skip
        ledger.apply_fill(fill)
        assert not ledger.apply_fill(fill).applied
        ledger.mark(key, mark)
        traded[key] += side.sign * quantity
        expected = D(100_000) + ledger.realized_pnl() + ledger.unrealized_pnl() - ledger.total_fees()
        assert abs(ledger.equity() - expected) < D("1e-12")
    assert {key: ledger.quantity(key) for key in INSTRUMENTS} == traded
    assert ledger.version == 1 + len(sequence)
    for position in ledger.positions.values():
        assert (position.quantity == 0) == (position.average_price == 0)
