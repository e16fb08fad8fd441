"""The parts of a report as HTML: key figures, attribution, months, days, drawdowns."""

from collections.abc import Sequence
from html import escape
from itertools import starmap

from millstream.contracts.api.reports import Attribution, Drawdown, PeriodResult, Report

from ..i18n import Translator
from .formats import Formats
from .html import empty, figure, figures, signed, table, tone_of

DAYS_SHOWN = 60


def report_cards(t: Translator, f: Formats, report: Report) -> str:
    """The key figures of a report."""
    one, currency = report, report.currency
    cards = [
        (t("money.pnl"), f.money(one.pnl, currency, signed=True), t("money.after_fees"), tone_of(one.pnl)),
        (t("report.return"), f.percent(one.return_pct / 100, signed=True), "", tone_of(one.return_pct)),
        (t("report.final"), f.money(one.final, currency), t("money.of", amount=f.money(one.initial, currency)), ""),
        (t("report.max_drawdown"), f.percent(one.max_drawdown), "", ""),
        (t("report.sharpe"), f.ratio(one.sharpe), t("report.annual"), ""),
        (t("report.sortino"), f.ratio(one.sortino), t("report.annual"), ""),
        (t("report.volatility"), f.percent(one.volatility), t("report.annual"), ""),
        (t("money.trades"), f.number(one.trades, 0), "", ""),
        (t("money.frequency"), f.number(one.trades_per_day, 2), t("money.per_day"), ""),
        (t("report.win_rate"), f.percent(one.win_rate, 1), "", ""),
        (t("report.profit_factor"), f.ratio(one.profit_factor), "", ""),
        (t("report.average"), f.money(one.average_trade, currency, signed=True), "", tone_of(one.average_trade)),
        (t("report.best"), f.money(one.best.pnl if one.best else None, currency, signed=True),
         one.best.instrument if one.best else "", ""),
        (t("report.worst"), f.money(one.worst.pnl if one.worst else None, currency, signed=True),
         one.worst.instrument if one.worst else "", ""),
        (t("money.fees"), f.money(one.fees, currency), "", ""),
    ]  # fmt: skip
    return figures(starmap(figure, cards))


def attribution(t: Translator, f: Formats, caption: str, parts: Sequence[Attribution], currency: str) -> str:
    """What each part brought, the best first."""
    if not parts:
        return empty(t("analytics.none"), t("analytics.none_next"))
    titles = [t("col.name"), t("col.pnl"), t("col.fees"), t("money.trades"), t("report.win_rate"), t("report.notional")]
    rows = [
        [escape(part.name), signed(f.money(part.pnl, currency, signed=True), part.pnl),
         escape(f.money(part.fees, currency)), escape(f.number(part.trades, 0)), escape(f.percent(part.win_rate, 1)),
         escape(f.money(part.traded_notional, currency))]
        for part in sorted(parts, key=lambda part: -part.pnl)
    ]  # fmt: skip
    return table(caption, titles, rows, [1, 2, 3, 4, 5])


def months(t: Translator, f: Formats, results: Sequence[PeriodResult], currency: str) -> str:
    """A tile for each month."""
    if not results:
        return empty(t("analytics.none"), t("analytics.none_next"))
    tiles = (
        f"<div><b>{escape(one.period)}</b><br>{signed(f.percent(one.return_pct / 100, signed=True), one.return_pct)}"
        f'<br><span class="muted">{escape(f.money(one.pnl, currency, signed=True))}</span></div>'
        for one in results
    )
    return f'<div class="month">{"".join(tiles)}</div>'


def periods(t: Translator, f: Formats, caption: str, results: Sequence[PeriodResult], currency: str) -> str:
    """The newest periods, the newest first."""
    titles = [t("col.period"), t("col.pnl"), t("col.return"), t("money.trades"), t("col.fees")]
    rows = [
        [escape(one.period), signed(f.money(one.pnl, currency, signed=True), one.pnl),
         signed(f.percent(one.return_pct / 100, signed=True), one.return_pct), escape(f.number(one.trades, 0)),
         escape(f.money(one.fees, currency))]
        for one in sorted(results, key=lambda one: one.period, reverse=True)[:DAYS_SHOWN]
    ]  # fmt: skip
    return table(caption, titles, rows, [1, 2, 3, 4])


def drawdowns(t: Translator, f: Formats, results: Sequence[Drawdown]) -> str:
    """The deepest declines."""
    titles = [t("report.depth"), t("report.peak"), t("report.trough"), t("report.recovered")]
    rows = [
        [escape(f.percent(one.depth)), escape(f.moment(one.peak_at)), escape(f.moment(one.trough_at)),
         escape(f.moment(one.recovered_at) if one.recovered_at else t("report.not_yet"))]
        for one in results
    ]  # fmt: skip
    return table(t("analytics.drawdowns"), titles, rows, [0])
