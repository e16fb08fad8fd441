"""A visit to an app in a real Chromium: what the browser's own clock says about it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from .apps import App, clock

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_MS = 120_000
# Runs in the page before anything else: notes when the first element that matches is on the screen.
WATCH = """selector => {
    const look = () => {
        const found = document.querySelector(selector);
        const place = found && found.getBoundingClientRect();
        if (place && place.width && place.bottom > 0 && place.top < innerHeight) {
            window.stood = performance.now();
        } else {
            requestAnimationFrame(look);
        }
    };
    look();
}"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
KERNEL = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
LOADED = """performance.getEntriesByType('resource')
    .reduce((sum, one) => [sum[0] + 1, sum[1] + one.transferSize], [1, 0])"""


@dataclass(frozen=True, slots=True)
class Visit:
    """Milliseconds from the request for the page; memory of its kernel while the page is open, and what was loaded."""

    app: str
    again: bool
    painted_ms: float
    stands_ms: float
    pss_mb: float
    requests: int
    transferred_kb: float


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser. Raises ``SystemExit`` where there is none."""
    executable = next((path for name in NAMES if (path := shutil.which(name))), None)
    if executable is None:
        msg = f"no Chromium on PATH ({', '.join(NAMES)})"
        raise SystemExit(msg)
    with sync_playwright() as playwright:
        # Chromium's own sandbox cannot start as root, which is who measures in a container.
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def profile(browser: Browser, app: App) -> Iterator[BrowserContext]:
    """A viewer's browser: logged in, with an empty cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([{"name": name, "value": value, "url": app.url} for name, value in app.cookies.items()])
    try:
        yield context
    finally:
        context.close()


def visit(context: BrowserContext, app: App, *, again: bool) -> Visit:
    """Open the page, wait until it stands, and close it."""
    page = context.new_page()
    try:
        page.add_init_script(f"({WATCH})({app.stands!r})")
        page.goto(app.url, wait_until="commit")
        page.wait_for_function("window.stood")
        app.visits += 1
        return _read(page, app, again=again)
    finally:
        page.close()


def _read(page: Page, app: App, *, again: bool) -> Visit:
    painted, stands = float(page.evaluate(PAINTED)), float(page.evaluate("window.stood"))
    requests, transferred = page.evaluate(LOADED)
    clock.block(1.0)  # what the page reads after it stands belongs to its weight
    weight = app.weight_mb(str(page.evaluate(KERNEL)))
    return Visit(app.name, again, painted, stands, weight, int(requests), transferred / 1024)
