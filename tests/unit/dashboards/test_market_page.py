from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from support.fake_screen import FakeScreen

from millstream.contracts.api.market import Candle, Mark
from millstream_dashboards.monitor.pages.market import NOBODY, Market
from millstream_dashboards.monitor.selection import Selection

NOW = datetime(2013, 3, 2, tzinfo=UTC)
AAPL, MSFT, BARE = "S:AAPL", "S:MSFT", "S:BARE"
INSTRUMENTS = [
    SimpleNamespace(key=AAPL, timeframes=("1d",), sessions=("replay",)),
    SimpleNamespace(key=BARE, timeframes=(), sessions=()),
    SimpleNamespace(key=MSFT, timeframes=("1d", "1h"), sessions=("replay",)),
]
ROTATION = SimpleNamespace(
    deployment="rotation", strategy="Rotation", instruments=(AAPL, MSFT), timeframe="1d", session="replay"
)
CROSS = SimpleNamespace(deployment="cross", strategy="Cross", instruments=(MSFT,), timeframe="1d", session="replay")
FILLS = [("cross", MSFT), ("rotation", AAPL), ("rotation", MSFT)]
CANDLES = [
    Candle(time=NOW - timedelta(days=day), open=10, high=12, low=9, close=11, volume=1) for day in range(5, 0, -1)
]


def fills(limit=100, instrument="", deployment=(), strategy=(), **_):
    found = [
        SimpleNamespace(deployment=name, instrument=key)
        for name, key in FILLS
        if instrument in {"", key} and (not deployment or name in deployment)
        and (not strategy or name.capitalize() in strategy)
    ]  # fmt: skip
    return found[:limit]


def market(position=NOW, **answers) -> Market:
    screen = FakeScreen(
        instruments=INSTRUMENTS, deployments=[ROTATION, CROSS],
        **{
            "list_fills": fills, "list_candles": CANDLES,
            "list_market_sessions": [SimpleNamespace(session="replay", position=position)], **answers,
        },
    )  # fmt: skip
    return Market(screen)


def shown(page: Market) -> tuple[str, str, list[str]]:
    return page._instrument.value, page._deployment.value, list(page._frames.value)


async def test_it_begins_with_what_the_selected_strategies_traded_last_and_who_did():
    page = market()
    await page.load()
    assert shown(page) == (MSFT, "cross", ["1d"])
    page.screen.selection = Selection(strategies=("Rotation",))
    await page.load()
    assert shown(page) == (AAPL, "rotation", ["1d"])


async def test_new_fills_do_not_move_a_viewer_to_another_instrument():
    page = market()
    await page.load()
    page.screen._answers["list_fills"] = lambda **_: [SimpleNamespace(deployment="rotation", instrument=AAPL)]
    await page.load()
    assert shown(page)[:2] == (MSFT, "cross")


async def test_without_fills_it_begins_with_an_instrument_that_has_candles():
    page = market(list_fills=[])
    await page.load()
    assert shown(page) == (AAPL, "rotation", ["1d"])
    page.screen.deployments = []
    page.screen.selection = Selection(strategies=("Cross",))
    await page.load()
    assert shown(page)[:2] == (AAPL, NOBODY)


async def test_the_chart_ends_where_the_replays_market_stands():
    asked = []

    def candles(**arguments):
        asked.append(arguments)
        return CANDLES

    page = market(list_candles=candles)
    await page.load()
    assert asked == [{"instrument": MSFT, "timeframe": "1d", "limit": 300, "end": NOW}]
    [card] = page._grid.objects
    assert card is page._charts["1d"].view
    assert len(page._charts["1d"]._chart._bars.data["time"]) == 5


@pytest.mark.parametrize(
    ("answers", "why"),
    [({"list_candles": []}, "No candle up to where the market replay stands: 2 Mar 2013 00:00:00"),
     ({"position": None}, "No candle up to where the market replay stands: –")],
)  # fmt: skip
async def test_a_chart_without_candles_says_why_and_what_to_do(answers, why):
    page = market(**answers)
    await page.load()
    text = page._charts["1d"]._why.object
    assert why in text
    assert "Start the replay or wait" in text
    page.screen._answers |= {
        "list_candles": CANDLES,
        "list_market_sessions": [SimpleNamespace(session="replay", position=NOW)],
    }
    await page.load()
    assert not page._charts["1d"]._why.visible


async def test_an_instrument_without_candles_and_no_instrument_say_what_to_do():
    page = market()
    await page.load()
    page._instrument.param.update(value=BARE)
    await page.load()
    assert "millstream data import" in page._nothing.object
    assert page._grid.objects == []
    page.screen.instruments = []
    await page.load()
    assert "Register an instrument" in page._nothing.object


@pytest.mark.parametrize(("bid", "words"), [(None, "no bid and ask"), (Decimal("9.99"), "no deeper order book")])
async def test_the_quote_says_what_it_is(bid, words):
    mark = Mark(session="replay", instrument=MSFT, price=Decimal(10), bid=bid, ask=bid and bid + 1, time=NOW)
    page = market(list_marks=[mark])
    await page.load()
    assert words in page._quote.object
    assert ("Spread" in page._quote.object) is (bid is not None)
