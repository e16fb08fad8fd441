"""The overview, reports over any selection and period, the comparison with the backtest, the export of trades."""

from collections.abc import Iterator

from starlette.responses import StreamingResponse

from ...contracts.api.base import Page
from ...contracts.api.identity import Permission
from ...contracts.api.reports import BacktestComparison, Overview, Report
from ..auth.access import Asking, Principal
from ..context import Gateway, Here
from ..reads import backtests, exports, overview, reports, trades
from ..reads.selection import Wanted
from ..reads.snapshot import in_snapshot, snapshot
from ..routing import Routes
from .filters import Filters, Name

router = Routes(tags=["reports"])


@router.read("/overview", Permission.READ, "overview", summary="The selection now")
async def get_overview(here: Here, asking: Asking, filters: Filters) -> Overview:
    """Paper and live stand apart, and so does every currency. ``start``, ``end`` and ``instrument`` change nothing."""
    wall = here.clock.now()
    return await here.database(snapshot(lambda conn: overview.overview(conn, filters, asking, wall=wall)))


@router.read("/reports", Permission.READ, "report", summary="Performance, one for each target and currency")
async def report(here: Here, asking: Asking, filters: Filters) -> Page[Report]:
    """Of slices that closed behind ``start`` and up to ``end``. With ``instrument`` the curve is that of its trades."""
    wall = here.clock.now()
    found = await here.database(snapshot(lambda conn: reports.reports(conn, filters, asking, wall=wall)))
    return Page[Report](items=tuple(found))


@router.read("/reports/backtest", Permission.READ, "compare_backtest", summary="Beside the backtest of its release")
async def compare_backtest(here: Here, asking: Asking, deployment: Name) -> BacktestComparison:
    """Orders and profit over the bars that both have decided, and in words where they parted."""
    return await here.database(snapshot(lambda conn: backtests.compare(conn, deployment, asking)))


@router.read(
    "/trades.csv",
    Permission.READ,
    "export_trades",
    summary="Trades as CSV",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "Header and trades"}},
)
async def export_trades(here: Here, asking: Asking, filters: Filters) -> StreamingResponse:
    """All trades of the selection, streamed, the open ones first, then the newest closed."""
    headers = {"Content-Disposition": 'attachment; filename="trades.csv"'}
    return StreamingResponse(_export(here, filters, asking), media_type="text/csv; charset=utf-8", headers=headers)


def _export(here: Gateway, wanted: Wanted, principal: Principal) -> Iterator[str]:
    with here.pool.connection() as conn, in_snapshot(conn):
        yield from exports.trades_csv(trades.every(conn, wanted, principal))
