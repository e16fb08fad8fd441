"""Random markets, intents, redeliveries and crashes: what RELIABILITY §4 promises holds after every one."""

from collections import Counter
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from support.trading import CAPITAL, DEPLOYMENT, INSTRUMENT, KEY, PORTFOLIO, SESSION, order, slice_of

from millstream.contracts.enums import OrderType, Side
from millstream.contracts.events import OrderFilled
from millstream.execution.core import TradingCore
from millstream.execution.in_process import paper_account
from millstream.execution.order import Order
from millstream.execution.state import positions
from millstream.execution.venues.paper import PaperBook
from millstream.risk.limits import RiskLimits, paper_defaults
from millstream.risk.view import DeploymentState

MAX_POSITION = Decimal(40)
price = st.integers(80, 120)
bars = st.tuples(price, price, price, price).map(lambda p: (p[0], max(p), min(p), p[3]))
fractions = st.none() | st.sampled_from([Decimal("0.02"), Decimal("0.05")])
wishes = st.fixed_dictionaries(
    {
        "side": st.sampled_from(Side),
        "quantity": st.integers(1, 25),
        "kind": st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP]),
        "price": price,
        "stop_loss": fractions,
        "take_profit": fractions,
        "crash": st.sampled_from(["", "", "before_send", "after_send"]),
        "twice": st.booleans(),
    }
)
days = st.lists(st.tuples(bars, st.lists(wishes, max_size=3)), min_size=1, max_size=8)


class World:
    """The core with a paper book that can be lost at any send, as a crash of the service loses it."""

    def __init__(self):
        limits = paper_defaults(CAPITAL)
        fields = {name: getattr(limits, name) for name in limits.__struct_fields__}
        deployment = DeploymentState(
            deployment_id=DEPLOYMENT,
            portfolio_id=PORTFOLIO,
            session=SESSION,
            epoch=1,
            instruments=frozenset([KEY]),
            limits=RiskLimits(**{**fields, "max_position_qty": MAX_POSITION}),
        )
        self.state = paper_account([INSTRUMENT], deployment, capital=CAPITAL, currency="USD")
        self.core = TradingCore(self.state, match=self.match)
        self.book = PaperBook(self.state.instruments)
        self.log = []
        self.accepted = Counter()

    def match(self, event):
        return self.book.on_market(event)

    def market(self, event):
        self.settle(self.core.on_market(event, event.ts))

    def intent(self, intent, crash=""):
        self.settle(self.core.on_intent(intent, intent.decided_at), crash)

    def settle(self, effects, crash=""):
        while effects.commands:
            sends, cancels = effects.take_commands()
            sends = [item for item in sends if item.working]
            for item in cancels:
                if item.working:
                    effects.add(self.core.on_canceled(item, self.book.cancel(item.client_order_id, now=self.now), 0))
            if sends and crash:
                effects.add(self.crash(sends, crash))
                crash = ""
                continue
            for item in sends:
                self.send(item, effects)
        self.log += [(emitted.topic.name, emitted.event) for emitted in effects.events]

    def send(self, item: Order, effects):
        result = self.book.submit(item, now=self.now)
        effects.add(self.core.on_submitted(item, result, journalled=0, wall=0))
        self.accepted[item.order_id] += 1

    def crash(self, sends, when):
        """The process dies between journal and answer: the venue's memory of the sends is not what counts."""
        if when == "after_send":
            for item in sends:
                self.book.submit(item, now=self.now)
        self.book = PaperBook(self.state.instruments)
        self.book.restore(self.state.orders, positions(self.state.accounts.values()))
        effects = self.core.lose_submitted(0)
        for item in self.core.unknown():
            effects.add(self.core.on_fetched(item, self.book.fetch(item.client_order_id), 0))
        return effects

    @property
    def now(self):
        return self.state.sessions[SESSION].position

    @property
    def fills(self):
        return [event for _, event in self.log if isinstance(event, OrderFilled)]


def play(plan, *, crashes):
    world = World()
    seen = []
    for number, (bar, wanted) in enumerate(plan, 10):
        for event in slice_of(number, bar):
            world.market(event)
            world.market(event)
        for sequence, wish in enumerate(wanted):
            intent = order(
                number + 1,
                wish["side"],
                wish["quantity"],
                sequence=sequence,
                order_type=wish["kind"],
                limit_price=Decimal(wish["price"]) if wish["kind"] is OrderType.LIMIT else None,
                stop_price=Decimal(wish["price"]) if wish["kind"] is OrderType.STOP else None,
                stop_loss=wish["stop_loss"],
                take_profit=wish["take_profit"],
            )
            world.intent(intent, wish["crash"] if crashes else "")
            seen.append(intent)
            if wish["twice"]:
                for old in seen:
                    world.intent(old)
    return world


def worst_case(world):
    account = world.state.accounts[PORTFOLIO]
    held = account.ledger.quantity(KEY)
    return max(abs(held + account.reservations.buying(KEY)), abs(held - account.reservations.selling(KEY)))


@settings(max_examples=60, deadline=None)
@given(days)
def test_the_ledger_is_the_sum_of_the_fills_and_no_limit_is_exceeded(plan):
    world = play(plan, crashes=True)
    ledger = world.state.accounts[PORTFOLIO].ledger
    assert ledger.quantity(KEY) == sum(fill.side.sign * fill.quantity for fill in world.fills)
    spent = sum(fill.side.sign * fill.quantity * fill.price + fill.fee for fill in world.fills)
    assert ledger.cash["USD"] == CAPITAL - spent
    assert worst_case(world) <= MAX_POSITION
    assert ledger.version == len(world.fills)


@settings(max_examples=60, deadline=None)
@given(days)
def test_an_intent_becomes_at_most_one_venue_order_and_no_order_is_overfilled(plan):
    world = play(plan, crashes=True)
    assert max(world.accepted.values(), default=1) == 1
    filled = Counter()
    for fill in world.fills:
        filled[fill.order_id] += fill.quantity
    for order_id, quantity in filled.items():
        assert quantity <= world.state.orders.get(order_id).quantity
    assert len({fill.trade_id for fill in world.fills}) == len(world.fills)


@settings(max_examples=40, deadline=None)
@given(days)
def test_crashes_change_neither_fills_nor_ledger(plan):
    calm, rough = play(plan, crashes=False), play(plan, crashes=True)

    def facts(world):
        return [(fill.intent_id, fill.leg, fill.side, fill.quantity, fill.price, fill.ts) for fill in world.fills]

    assert facts(rough) == facts(calm)


@settings(max_examples=30, deadline=None)
@given(days)
def test_the_same_inputs_give_the_same_log(plan):
    assert play(plan, crashes=True).log == play(plan, crashes=True).log


@settings(max_examples=40, deadline=None)
@given(days)
def test_protective_legs_never_outlive_or_outgrow_their_position(plan):
    world = play(plan, crashes=True)
    held = world.state.position(PORTFOLIO, KEY)
    legs = [item for item in world.state.orders if item.leg]
    for leg in legs:
        assert leg.side.sign * held < 0
        assert leg.remaining == abs(held)
    assert len(legs) <= 2
