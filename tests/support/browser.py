"""A real Chromium (Debian's, or any on PATH) that tests drive through Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def require_chromium() -> str:
    """Path of the browser. Skip the test where there is none; fail it when MILLSTREAM_REQUIRE_CHROMIUM=1."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is not None:
        return found
    reason = f"no Chromium on PATH ({', '.join(NAMES)}); on Debian: apt install chromium"
    if os.environ.get("MILLSTREAM_REQUIRE_CHROMIUM") == "1":
        pytest.fail(f"MILLSTREAM_REQUIRE_CHROMIUM=1, but {reason}")
    pytest.skip(reason)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser; it is closed at the end.

    For fixtures of module or package scope: Playwright's event loop stands in this thread until then, and no test that
    runs a loop of its own (asyncio) can come in between.
    """
    executable = require_chromium()
    with sync_playwright() as playwright:
        # Chromium's own sandbox cannot start as root, which is who runs tests in a container.
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(browser: Browser, size: dict[str, int] | None = None, **options: object) -> Iterator[BrowserContext]:
    """A browser profile of its own: no cookie is shared with others. Every wait ends after 20 s."""
    context = browser.new_context(viewport=size or DESKTOP, **options)
    context.set_default_timeout(20_000)
    try:
        yield context
    finally:
        context.close()
