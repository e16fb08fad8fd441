"""What every risk rule promises: it passes, it breaches, it fails closed, it is documented."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millstream.contracts.enums import HaltState, OrderType, RejectCode, ScopeKind, Side
from millstream.contracts.events import CancelIntent, OrderIntent
from millstream.contracts.instrument import Instrument
from millstream.contracts.time import SECOND
from millstream.execution.order import Order
from millstream.portfolio.ledger import Fill, Ledger
from millstream.risk.day import RiskDay
from millstream.risk.engine import RiskEngine
from millstream.risk.halts import Halt, Halts
from millstream.risk.limits import RiskLimits, paper_defaults
from millstream.risk.recent import RecentIntents
from millstream.risk.reservations import Reservations
from millstream.risk.rules import ALL_RULES, INSTRUMENT_RULES, PORTFOLIO_RULES
from millstream.risk.view import DeploymentState, InstrumentState, InstrumentView, PortfolioView

D = Decimal

KEY, NOW = "X:A", 1_000 * SECOND
INSTRUMENT = Instrument(exchange="X", symbol="A", currency="USD", lot_step=D("0.1"))
DOCS = Path(__file__).parents[2] / "docs" / "risk.md"
LIMITS = RiskLimits(
    max_order_qty=D(20), max_order_notional=D(2000), max_order_notional_of_equity=D(2), price_collar_bps=D(500),
    max_data_age_ns=60 * SECOND, max_jump_bps=D(2000), dup_window_ns=SECOND, max_position_qty=D(15),
    max_position_notional=D(1500), max_position_of_equity=D("1.5"), max_gross_exposure=D(1400),
    max_gross_exposure_of_equity=D("1.4"), leverage=D(1), buying_power_tolerance=D("0.01"), daily_loss=D(200),
    daily_loss_of_equity=D("0.2"),
)  # fmt: skip


def intent(**changes: Any) -> OrderIntent:
    base = OrderIntent(
        event_id="e", occurred_at=0, intent_id="i", idempotency_key="i", deployment_id="d", epoch=3, portfolio_id="p",
        instrument=KEY, risk_key="p:X:A", decided_at=NOW, expires_at=NOW + SECOND, side=Side.BUY, quantity=D(5),
        reference_price=D(100),
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


class World:
    """A portfolio of 1,000 USD that trades one instrument at 100; tests change what they are about."""

    def __init__(self) -> None:
        self.limits: RiskLimits | None = LIMITS
        self.now = NOW
        self.halts, self.recent, self.reservations = Halts(), RecentIntents(), Reservations()
        self.market: InstrumentState | None = InstrumentState(instrument=INSTRUMENT)
        self.market.on_price(D(99), NOW - SECOND)
        self.market.on_price(D(100), NOW)
        self.ledger: Ledger | None = Ledger("p", "USD", {KEY: INSTRUMENT, "X:B": INSTRUMENT})
        self.ledger.deposit("USD", D(1000))
        self.ledger.mark(KEY, D(100))
        self.ledger.mark("X:B", D(100))
        self.day = RiskDay()
        self.day.roll(NOW, D(1000))
        self.deployment: DeploymentState | None = DeploymentState(
            deployment_id="d", portfolio_id="p", session="", epoch=3, instruments=frozenset({KEY}), limits=None
        )

    def instrument_view(self) -> InstrumentView:
        return InstrumentView(
            now=self.now, deployment=self._deployment(), market=self.market, halts=self.halts, recent=self.recent
        )

    def portfolio_view(self) -> PortfolioView:
        return PortfolioView(
            now=self.now, deployment=self._deployment(), ledger=self.ledger, reservations=self.reservations,
            day=self.day, halts=self.halts,
        )  # fmt: skip

    def decide(self, item: OrderIntent, **options: bool) -> list[RejectCode]:
        """Codes of all breaches of both stages, each stage on its own."""
        engine = RiskEngine(explain=True, **options)
        first = engine.instrument_stage(item, self.instrument_view())
        second = engine.portfolio_stage(item, self.portfolio_view())
        return [breach.code for breach in (*first.breaches, *second.breaches)]

    def hold(self, side: Side, quantity: str, key: str = KEY, price: str = "100") -> None:
        self.ledger.apply_fill(
            Fill(
                venue="v",
                account="a",
                trade_id=f"{key}{quantity}{side}",
                instrument=key,
                side=side,
                quantity=D(quantity),
                price=D(price),
                fee=D(0),
                fee_currency="USD",
                ts=1,
            )
        )

    def work(
        self, side: Side, quantity: str, key: str = KEY, *, lost: bool = False, reduce_only: bool = False
    ) -> Order:
        order = Order(
            order_id=f"{key}{side}", intent_id="w", deployment_id="d", portfolio_id="p", instrument=key, side=side,
            quantity=D(quantity), reduce_only=reduce_only,
        )  # fmt: skip
        order.submit(ts=1)
        if lost:
            order.lose("timeout", ts=2)
        self.reservations.update(order)
        return order

    def _deployment(self) -> DeploymentState | None:
        if self.deployment is not None:
            self.deployment.limits = self.limits
        return self.deployment


@pytest.fixture
def world() -> World:
    return World()


def test_an_honest_intent_passes_every_rule(world):
    assert world.decide(intent()) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": D(21)}, RejectCode.MAX_ORDER_QTY),
        ({"quantity": D("20.1")}, RejectCode.MAX_ORDER_NOTIONAL),
        ({"order_type": OrderType.LIMIT, "limit_price": D(500)}, RejectCode.MAX_ORDER_NOTIONAL),
        ({"reference_price": D(106)}, RejectCode.PRICE_COLLAR),
        ({"order_type": OrderType.LIMIT, "limit_price": D(94)}, RejectCode.PRICE_COLLAR),
        ({"order_type": OrderType.STOP, "stop_price": D(106)}, RejectCode.PRICE_COLLAR),
        ({"epoch": 2}, RejectCode.STALE_RUNNER),
        ({"epoch": 4}, RejectCode.STALE_RUNNER),
        ({"expires_at": NOW - 1}, RejectCode.INTENT_EXPIRED),
        ({"deployment_id": "other"}, RejectCode.UNKNOWN_ACCOUNT),
        ({"portfolio_id": "other"}, RejectCode.UNKNOWN_ACCOUNT),
        ({"session": "replay-1"}, RejectCode.UNKNOWN_ACCOUNT),
        ({"instrument": "X:B"}, RejectCode.UNKNOWN_INSTRUMENT),
        ({"quantity": D(0)}, RejectCode.INVALID_INTENT),
        ({"quantity": D("NaN")}, RejectCode.INVALID_INTENT),
        ({"quantity": D("0.15")}, RejectCode.INVALID_INTENT),
        ({"order_type": OrderType.LIMIT}, RejectCode.INVALID_INTENT),
        ({"order_type": OrderType.STOP}, RejectCode.INVALID_INTENT),
        ({"order_type": OrderType.LIMIT, "limit_price": D("100.001")}, RejectCode.INVALID_INTENT),
        ({"order_type": OrderType.LIMIT, "limit_price": D(-1)}, RejectCode.INVALID_INTENT),
        ({"limit_price": D(100)}, RejectCode.INVALID_INTENT),
        ({"reference_price": D(0)}, RejectCode.INVALID_INTENT),
        ({"stop_loss": D("1.2")}, RejectCode.INVALID_INTENT),
        ({"take_profit": D(0)}, RejectCode.INVALID_INTENT),
        ({"risk_key": "q:X:A"}, RejectCode.INVALID_INTENT),
        ({"quantity": D("15.1")}, RejectCode.MAX_POSITION),
        ({"quantity": D("14.1")}, RejectCode.MAX_GROSS_EXPOSURE),
        ({"quantity": D("10.2")}, RejectCode.INSUFFICIENT_BUYING_POWER),
    ],
)
def test_an_intent_beyond_a_rule_is_rejected_with_its_code(world, changes, code):
    assert code in world.decide(intent(**changes))


@pytest.mark.parametrize("quantity", ["10", "10.1"])
def test_the_limit_itself_and_the_tolerance_pass(world, quantity):
    assert world.decide(intent(quantity=D(quantity))) == []


def test_the_first_breach_alone_is_told_unless_asked(world):
    decision = RiskEngine().instrument_stage(intent(epoch=1, quantity=D(99)), world.instrument_view())
    assert [breach.code for breach in decision.breaches] == [RejectCode.STALE_RUNNER]
    assert not decision.approved
    breach = decision.breach
    assert (breach.observed, breach.limit, breach.scope, breach.scope_id) == ("1", "3", ScopeKind.DEPLOYMENT, "d")
    assert "another runner" in breach.message


def test_an_approval_tells_price_and_reservation(world):
    first = RiskEngine().instrument_stage(intent(), world.instrument_view())
    second = RiskEngine().portfolio_stage(intent(), world.portfolio_view())
    assert (first.approved, first.reference_price, second.reserved) == (True, 100, 500)
    assert RiskEngine().portfolio_stage(intent(reduce_only=True), world.portfolio_view()).reserved == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda market: setattr(market, "mark", None),
        lambda market: setattr(market, "mark", D(0)),
        lambda market: setattr(market, "mark_ts", NOW - 61 * SECOND),
        lambda market: market.on_price(D(79), NOW),
        lambda market: (setattr(market, "bid", D(101)), setattr(market, "ask", D(100))),
    ],
    ids=["no price", "zero", "old", "jumped", "crossed"],
)
def test_bad_market_data_is_stale(world, spoil):
    spoil(world.market)
    assert RejectCode.STALE_MARKET_DATA in world.decide(intent())


def test_a_quote_marks_the_middle(world):
    world.market.on_quote(D(99), D(101), NOW)
    assert (world.market.mark, world.market.previous_mark) == (100, 100)


def test_the_same_order_inside_the_window_is_a_duplicate_and_after_it_is_not(world):
    world.recent.remember(intent(intent_id="before"), NOW - SECOND // 2)
    assert world.decide(intent()) == [RejectCode.DUPLICATE_INTENT]
    assert world.decide(intent(quantity=D(6))) == []
    world.recent.remember(intent(intent_id="before"), NOW - SECOND)
    assert world.decide(intent()) == []


def test_an_intent_is_no_duplicate_of_itself_nor_of_the_forgotten(world):
    world.recent.remember(intent(), NOW)
    assert world.decide(intent()) == []
    world.recent.remember(intent(intent_id="before"), NOW)
    world.recent.forget_before(NOW + 1)
    assert world.decide(intent()) == []


@pytest.mark.parametrize("lost", [False, True])
def test_working_and_unknown_orders_count_as_if_they_had_executed(world, lost):
    world.work(Side.BUY, "9", lost=lost)
    assert world.decide(intent(quantity=D(1))) == []
    codes = world.decide(intent(quantity=D(7)))
    assert {RejectCode.MAX_POSITION, RejectCode.MAX_GROSS_EXPOSURE, RejectCode.INSUFFICIENT_BUYING_POWER} <= set(codes)


def test_a_released_order_no_longer_counts(world):
    order = world.work(Side.BUY, "9")
    order.cancel("", ts=3)
    world.reservations.update(order)
    assert world.decide(intent(quantity=D(10))) == []
    assert world.reservations.instruments() == ()


def test_other_instruments_count_into_gross_exposure(world):
    world.hold(Side.SELL, "6", "X:B")
    assert RejectCode.INSUFFICIENT_BUYING_POWER in world.decide(intent(quantity=D(5)))
    assert world.decide(intent(quantity=D(4))) == []


def test_a_position_without_a_mark_rejects_what_opens_risk(world):
    world.hold(Side.BUY, "1", "X:B")
    del world.ledger.marks["X:B"]
    assert RejectCode.RULE_ERROR in world.decide(intent())


@pytest.mark.parametrize("order_type", [OrderType.MARKET])
def test_a_reducing_order_passes_exposure_loss_and_buying_power(world, order_type):
    world.hold(Side.BUY, "19")
    world.ledger.mark(KEY, D(60))
    world.day.trip("d")
    assert world.decide(intent(side=Side.SELL, quantity=D(19), order_type=order_type)) == []
    assert RejectCode.DAILY_LOSS in world.decide(intent(side=Side.SELL, quantity=D(20)))
    assert RejectCode.DAILY_LOSS in world.decide(intent(side=Side.BUY, quantity=D(1)))


def test_protective_orders_do_not_stand_in_the_way_of_an_exit(world):
    world.hold(Side.BUY, "5")
    world.work(Side.SELL, "5", reduce_only=True)
    world.halts.set(Halt(ScopeKind.GLOBAL, "", HaltState.REDUCE_ONLY))
    assert world.decide(intent(side=Side.SELL)) == []
    world.work(Side.SELL, "5")
    assert world.decide(intent(side=Side.SELL)) == [RejectCode.REDUCE_ONLY]


def test_a_reversal_passes_because_its_worst_case_is_the_larger_side(world):
    world.hold(Side.BUY, "10")
    assert world.decide(intent(side=Side.SELL, quantity=D(20))) == []


def test_the_days_loss_rejects_and_asks_for_the_latch_which_holds_until_tomorrow(world):
    world.hold(Side.BUY, "5")
    world.ledger.mark(KEY, D(60))
    breach = RiskEngine().portfolio_stage(intent(quantity=D(1)), world.portfolio_view()).breach
    assert (breach.code, breach.trips_day, breach.observed, breach.limit) == (RejectCode.DAILY_LOSS, True, "200", "200")
    assert world.day.trip("d")
    assert not world.day.trip("d")
    world.ledger.mark(KEY, D(100))
    again = RiskEngine().portfolio_stage(intent(quantity=D(1)), world.portfolio_view()).breach
    assert (again.code, again.trips_day) == (RejectCode.DAILY_LOSS, False)
    assert world.day.roll(NOW + 86_400 * SECOND, world.ledger.equity())
    assert world.decide(intent(quantity=D(1))) == []


def test_before_the_day_has_begun_nothing_opens_risk(world):
    world.day = RiskDay()
    assert world.decide(intent()) == [RejectCode.RULE_ERROR]


@pytest.mark.parametrize(
    ("scope", "scope_id"),
    [(ScopeKind.GLOBAL, ""), (ScopeKind.PORTFOLIO, "p"), (ScopeKind.DEPLOYMENT, "d"), (ScopeKind.INSTRUMENT, KEY)],
)
def test_a_halt_of_any_covering_scope_stops_everything_in_both_stages(world, scope, scope_id):
    world.hold(Side.BUY, "5")
    world.halts.set(Halt(scope, scope_id, HaltState.HALTED, "drill"))
    reducing = intent(side=Side.SELL, quantity=D(1), reduce_only=True)
    assert world.decide(reducing) == [RejectCode.HALTED, RejectCode.HALTED]
    sent = RiskEngine().before_send(reducing, world.portfolio_view())
    assert (sent.stage, sent.breach.code, sent.breach.scope) == (3, RejectCode.HALTED, scope)
    assert "drill" in sent.breach.message
    world.halts.set(Halt(scope, scope_id, HaltState.ACTIVE))
    assert world.decide(reducing) == []


def test_a_halt_elsewhere_stops_nothing_and_the_strictest_counts(world):
    world.halts.replace([Halt(ScopeKind.PORTFOLIO, "q", HaltState.HALTED)])
    assert world.decide(intent()) == []
    world.halts.set(Halt(ScopeKind.GLOBAL, "", HaltState.REDUCE_ONLY))
    world.halts.set(Halt(ScopeKind.PORTFOLIO, "p", HaltState.HALTED))
    assert world.decide(intent())[0] is RejectCode.HALTED


def test_before_the_send_the_own_reservation_is_not_counted_twice(world):
    world.hold(Side.BUY, "5")
    world.work(Side.SELL, "5")
    world.halts.set(Halt(ScopeKind.GLOBAL, "", HaltState.REDUCE_ONLY))
    engine = RiskEngine()
    assert engine.before_send(intent(side=Side.SELL), world.portfolio_view()).approved
    assert engine.before_send(intent(), world.portfolio_view()).breach.code is RejectCode.REDUCE_ONLY
    world.halts.set(Halt(ScopeKind.GLOBAL, "", HaltState.ACTIVE))
    for changes, code in (
        ({"epoch": 1}, RejectCode.STALE_RUNNER), ({"expires_at": 1}, RejectCode.INTENT_EXPIRED),
    ):  # fmt: skip
        assert engine.before_send(intent(**changes), world.portfolio_view()).breach.code is code


def test_an_unknown_portfolio_deployment_or_instrument_rejects(world):
    world.ledger = None
    assert RejectCode.UNKNOWN_ACCOUNT in world.decide(intent())
    world.market = None
    assert RejectCode.UNKNOWN_INSTRUMENT in world.decide(intent())
    world.deployment = None
    engine = RiskEngine()
    for decision in (
        engine.instrument_stage(intent(), world.instrument_view()),
        engine.portfolio_stage(intent(), world.portfolio_view()),
    ):
        assert decision.breach.code is RejectCode.UNKNOWN_ACCOUNT


def test_a_deployment_without_limits_is_denied_by_every_rule_that_needs_one(world):
    world.limits = None
    codes = world.decide(intent())
    assert set(codes) == {RejectCode.MISSING_LIMIT}
    assert len(codes) == len([rule for rule in ALL_RULES if rule.limits])


ALTERNATIVES = (
    ("max_order_notional", "max_order_notional_of_equity"),
    ("max_position_qty", "max_position_notional", "max_position_of_equity"),
    ("max_gross_exposure", "max_gross_exposure_of_equity"),
    ("daily_loss", "daily_loss_of_equity"),
)
ALONE = tuple((name,) for name in RiskLimits.__struct_fields__ if all(name not in group for group in ALTERNATIVES))


@pytest.mark.parametrize("names", [*ALTERNATIVES, *ALONE], ids=lambda names: names[0])
def test_an_unset_limit_denies(world, names):
    world.limits = msgspec.structs.replace(LIMITS, **dict.fromkeys(names))
    assert world.decide(intent()) == [RejectCode.MISSING_LIMIT]


@pytest.mark.parametrize("names", ALTERNATIVES, ids=lambda names: names[0])
def test_one_form_of_a_limit_is_enough(world, names):
    for kept in names:
        unset = {name: None for name in names if name != kept}
        world.limits = msgspec.structs.replace(LIMITS, **unset)
        assert world.decide(intent()) == []


def test_the_relative_order_notional_is_held_against_equity(world):
    world.limits = msgspec.structs.replace(LIMITS, max_order_notional=None, max_order_notional_of_equity=D("0.4"))
    assert world.decide(intent()) == [RejectCode.MAX_ORDER_NOTIONAL]


class Broken:
    """A view of which nothing can be read."""

    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError(name)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: f"{type(rule).__name__}{rule.stages}")
def test_an_exception_inside_a_rule_rejects(rule):
    breach = rule.evaluate(intent(), Broken())
    assert breach.code is RejectCode.RULE_ERROR
    assert "ZeroDivisionError" in breach.message


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: f"{type(rule).__name__}{rule.stages}")
def test_a_rule_names_its_stages_codes_and_real_limits(rule):
    assert rule.codes
    assert (1 in rule.stages) == any(type(rule) is type(item) for item in INSTRUMENT_RULES)
    assert (2 in rule.stages) == any(type(rule) is type(item) for item in PORTFOLIO_RULES)
    assert set(rule.limits) <= set(RiskLimits.__struct_fields__)


def test_every_limit_is_read_by_a_rule():
    assert {name for rule in ALL_RULES for name in rule.limits} == set(RiskLimits.__struct_fields__)


def test_every_code_and_limit_is_documented():
    documented = set(re.findall(r"`([A-Za-z_]+)`", DOCS.read_text()))
    assert {code.value for code in RejectCode} <= documented
    assert set(RiskLimits.__struct_fields__) <= documented


def test_an_intent_checkpointed_under_an_earlier_epoch_stands_and_a_later_one_does_not(world):
    item = intent(epoch=2, decided_at=NOW)
    world.deployment.decided_ts = NOW
    assert RejectCode.STALE_RUNNER not in world.decide(item)
    world.deployment.decided_ts = NOW - 1
    assert world.decide(item)[0] is RejectCode.STALE_RUNNER


def test_a_cancel_passes_a_halt_and_is_fenced_by_epoch_and_deployment(world):
    world.halts.set(Halt(ScopeKind.GLOBAL, "", HaltState.HALTED))
    cancel = CancelIntent(
        event_id="e", occurred_at=0, intent_id="c", idempotency_key="c", deployment_id="d", epoch=3, portfolio_id="p",
        instrument=KEY, risk_key="p:X:A", decided_at=NOW, expires_at=NOW, target_intent_id="i",
    )  # fmt: skip
    engine, view = RiskEngine(), world.instrument_view()
    assert engine.cancel(cancel, view).approved
    stale = engine.cancel(msgspec.structs.replace(cancel, epoch=2), view)
    assert stale.breach.code is RejectCode.STALE_RUNNER
    view.deployment = None
    assert engine.cancel(cancel, view).breach.code is RejectCode.UNKNOWN_ACCOUNT


def test_paper_defaults_let_a_rotation_and_a_reversal_pass_after_a_thousandfold(world):
    world.limits = paper_defaults(D(1))
    assert world.decide(intent(quantity=D(10))) == []
    world.hold(Side.BUY, "10", "X:B")
    assert world.decide(intent(quantity=D(10))) == []
    world.hold(Side.SELL, "10", "X:B")
    world.hold(Side.BUY, "10")
    assert world.decide(intent(side=Side.SELL, quantity=D(20))) == []
    assert RejectCode.MAX_GROSS_EXPOSURE in world.decide(intent(quantity=D(25)))
