"""Measure the trader app's page: ``python -m benchmarks.trader [--viewers N] [--json FILE]``."""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import msgspec
from playwright.sync_api import Browser
from rich.console import Console
from rich.table import Table

from ..servers import servers
from .apps import App, hello, trader
from .visits import Visit, chromium, profile, visit

AIM_MS = 3000.0
AIM_MB = 100.0


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = _arguments()
    load = os.getloadavg()[0]
    with servers("redis") as where, ExitStack() as stack:
        apps = [stack.enter_context(hello(where.home)), stack.enter_context(trader(where))]
        browser = stack.enter_context(chromium())
        # In turn, so that whatever else the machine does falls on both.
        visits = [one for _ in range(options.viewers) for app in apps for one in _viewer(browser, apps, app)]
    bare, ours = (app.name for app in apps)
    Console(width=120).print(_table(visits, [bare, ours]))
    first = [one for one in visits if not one.again]
    ratio = _middle(first, ours, _stands) / _middle(first, bare, _stands)
    weight = max(one.pss_mb for one in visits if one.app == ours)
    print(
        f"{ours}: stands after {_middle(first, ours, _stands):.0f} ms on a first visit (aim: at most {AIM_MS:.0f}),"
        f" {ratio:.2f} times {bare}; at most {weight:.0f} MB a viewer (aim: at most {AIM_MB:.0f});"
        f" load of the machine before: {load:.1f}"
    )
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        report = {"visits": visits, "ratio": ratio, "load": load, "aim_ms": AIM_MS, "aim_mb": AIM_MB}
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")


def _viewer(browser: Browser, apps: Sequence[App], app: App) -> Iterator[Visit]:
    """A viewer comes with an empty cache, and once more with what that visit left in it."""
    with profile(browser, app) as context:
        for again in (False, True):
            # Nobody else may be busy: neither the other app nor the kernels that fill a pool again.
            for one in apps:
                one.rest()
            yield visit(context, app, again=again)


def _table(visits: Sequence[Visit], names: Sequence[str]) -> Table:
    viewers = len(visits) // 4
    table = Table(title=f"a page with a preheated kernel, {viewers} viewers (ms: median / worst)")
    for name in ("app", "visit", "first paint", "stands", "MB a kernel", "requests", "KB"):
        table.add_column(name, justify="left" if name in {"app", "visit"} else "right")
    for app in names:
        for again in (False, True):
            chosen = [one for one in visits if one.app == app and one.again == again]
            table.add_row(
                app,
                "again" if again else "first",
                _span(chosen, lambda one: one.painted_ms),
                _span(chosen, _stands),
                f"{median(one.pss_mb for one in chosen):.0f}",
                f"{median(one.requests for one in chosen):.0f}",
                f"{median(one.transferred_kb for one in chosen):.0f}",
            )
    return table


def _span(visits: Sequence[Visit], value: Callable[[Visit], float]) -> str:
    values = [value(one) for one in visits]
    return f"{median(values):.0f} / {max(values):.0f}"


def _middle(visits: Sequence[Visit], app: str, value: Callable[[Visit], float]) -> float:
    return median(value(one) for one in visits if one.app == app)


def _stands(one: Visit) -> float:
    return one.stands_ms


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trader", description=__doc__)
    parser.add_argument("--viewers", type=int, default=5, help="viewers of each app, one after another (default 5)")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
