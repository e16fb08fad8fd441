import asyncio
from decimal import Decimal

import pytest
from support.fake_screen import FakeScreen

from millstream.contracts.api.reports import Overview, TargetTotals
from millstream_dashboards.monitor.pages.overview import OverviewPage

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index")  # Panel's table

ZERO = Decimal(0)
TOTALS = TargetTotals(
    target="paper", currency="USD", equity=Decimal(1234), initial_cash=Decimal(1000), day_pnl=ZERO, pnl=Decimal(234),
    drawdown=0.0, exposure=ZERO, cash=Decimal(1234), fees=ZERO, open_trades=0, closed_trades=0,
)  # fmt: skip
OVERVIEW = Overview(
    totals=(TOTALS,), runners={"running": 1}, halts=0, balances={"paper": {"USD": Decimal(1234)}}, rejections_today=2
)


class LateLists(FakeScreen):
    """Parts of lists come once they are ``released``."""

    def __init__(self) -> None:
        super().__init__(overview=OVERVIEW)
        self.asked, self.released = asyncio.Event(), asyncio.Event()

    def asking(self, operation):
        ask = super().asking(operation)

        async def late(**arguments):
            self.asked.set()
            await self.released.wait()
            return await ask(**arguments)

        return late


async def test_figures_are_shown_with_the_lists_of_the_same_moment():
    screen = LateLists()
    page = OverviewPage(screen)
    loading = asyncio.create_task(page.load())
    await screen.asked.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    assert page._totals.object == page._state.object == ""
    screen.released.set()
    await loading
    assert "1,234.00 USD" in page._totals.object
    assert "Rejections today: 2" in page._state.object
    assert "1,234.00 USD" in page._balances.object
    assert not page._charts.visible
