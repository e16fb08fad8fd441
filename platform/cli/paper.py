"""What a deployment did on paper, read from the trading service's tables and set beside its backtest."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import psycopg

from ..contracts.enums import OrderType, Side
from ..contracts.money import ZERO
from ..contracts.time import from_iso
from ..execution import queries
from ..market import instruments
from ..research.compare import ParityReport, compare_orders, rejection_causes
from ..research.orders import OrderLine


class PaperRun(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment after a replay, beside the backtest in its release. Money in the portfolio's currency."""

    deployment: str
    release: str
    instruments: tuple[str, ...]
    parity: dict[str, Any]
    statistics: dict[str, Any]
    orders: int
    fills: int
    rejections: tuple[queries.RejectionView, ...]
    fees: Decimal
    equity: Decimal
    currency: str
    latency: queries.Latency
    executed_notebook: str
    explanation: str

    @property
    def equal(self) -> bool:
        """Whether paper did what the backtest did."""
        return bool(self.parity["equal"])


def read_run(
    conn: psycopg.Connection[Any],
    *,
    deployment: str,
    portfolio: str,
    release: str,
    report: Mapping[str, Any],
    notebook: str,
) -> PaperRun:
    """The finished run of ``deployment``; ``report`` is the backtest of its release."""
    orders, fills = queries.orders(conn, deployment), queries.fills(conn, deployment)
    rejections = queries.rejections(conn, deployment)
    account = queries.outcome(conn, portfolio)
    parity = _compare(conn, report, orders, fills, rejections, account)
    return PaperRun(
        deployment=deployment,
        release=release,
        instruments=tuple(report["instruments"]),
        parity=parity.to_dict(),
        statistics=dict(report["statistics"]),
        orders=len(orders),
        fills=len(fills),
        rejections=tuple(rejections),
        fees=account.fees,
        equity=account.equity,
        currency=account.currency,
        latency=queries.latency(conn, deployment),
        executed_notebook=notebook,
        explanation=str(parity),
    )


def _compare(
    conn: psycopg.Connection[Any],
    report: Mapping[str, Any],
    orders: Sequence[queries.OrderView],
    fills: Sequence[queries.FillView],
    rejections: Sequence[queries.RejectionView],
    account: queries.Outcome,
) -> ParityReport:
    capital = Decimal(str(report["capital"]))
    return compare_orders(
        [backtest_line(order) for order in report["orders"]],
        paper_lines(orders, fills),
        lot={key: instruments.get(conn, key).lot_step for key in report["instruments"]},
        capital=capital,
        backtest_pnl=Decimal(repr(report["statistics"]["final_equity"])) - capital,
        paper_pnl=account.equity - account.initial_cash,
        causes=rejection_causes([(row.ts, row.instrument, row.code, row.message) for row in rejections]),
    )


def backtest_line(order: Mapping[str, Any]) -> OrderLine:
    """An order of a backtest report."""
    executed = order["execution_time"]
    number = {
        name: None if order[name] is None else Decimal(repr(order[name])) for name in ("price", "fee", "quantity")
    }
    return OrderLine(
        decided_at=from_iso(order["decision_time"]),
        instrument=order["instrument"],
        side=Side(order["side"]),
        quantity=number["quantity"] or ZERO,
        executed_at=None if executed is None else from_iso(executed),
        filled=(number["quantity"] or ZERO) if executed else ZERO,
        price=number["price"],
        fee=number["fee"],
        order_type=OrderType(order["order_type"]),
        leg=order["leg"],
        status=order["status"],
    )


def paper_lines(orders: Sequence[queries.OrderView], fills: Sequence[queries.FillView]) -> list[OrderLine]:
    """Orders of a deployment with their fills."""
    by_order: dict[str, list[queries.FillView]] = defaultdict(list)
    for fill in fills:
        by_order[fill.order_id].append(fill)
    return [_line(order, by_order[order.order_id]) for order in orders]


def _line(order: queries.OrderView, fills: Sequence[queries.FillView]) -> OrderLine:
    return OrderLine(
        decided_at=order.decided_at,
        instrument=order.instrument,
        side=Side(order.side),
        quantity=order.quantity,
        executed_at=fills[-1].ts if fills else None,
        filled=order.filled,
        price=order.average_price if fills else None,
        fee=sum((fill.fee for fill in fills), ZERO) if fills else None,
        order_type=OrderType(order.order_type),
        leg=order.leg,
        status=order.state,
    )
