"""What people do on the screens of a running platform, in a browser."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyotp
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from .browser import window
from .people import PASSPHRASE, Person

# The machine that runs this may be busy with other things; a wait ends as soon as it sees what it waits for.
PATIENCE = 60_000
PROMOTE = '.jp-NotebookPanel-toolbar [data-jp-item-name="millstream-promote"]'
SERIOUS = {"serious", "critical"}
# Rules of axe-core that are left out, each with its reason.
EXCEPTIONS: dict[str, str] = {}
TRIES = 4


@dataclass
class Platform:
    """A platform that ``millstream up`` started, and a browser before it."""

    node: dict[str, Any]
    browser: Browser
    people: dict[str, Person] = field(default_factory=dict)
    profiles: dict[str, BrowserContext] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return str(self.node["gateway_url"])

    def url(self, screen: str, path: str = "") -> str:
        whole = str(self.node[f"{screen}_url"])
        return f"{whole.partition('/lab')[0]}/{path}" if screen == "lab" and path else whole + path

    @contextmanager
    def stranger(self, **options: object) -> Iterator[Page]:
        """A page in a browser that nobody is logged in with."""
        with window(self.browser, **options) as context:  # type: ignore[arg-type]
            context.set_default_timeout(PATIENCE)
            yield context.new_page()

    @contextmanager
    def page(self, user: str, address: str = "", size: dict[str, int] | None = None) -> Iterator[Page]:
        """A new page of the browser that ``user`` is logged in with."""
        page = self.profiles[user].new_page()
        try:
            if size is not None:
                page.set_viewport_size(size)  # type: ignore[arg-type]
            page.goto(address or self.base)
            yield page
        finally:
            page.close()

    @contextmanager
    def monitor(self, user: str, name: str, size: dict[str, int] | None = None) -> Iterator[Page]:
        with self.page(user, self.url("monitor", name), size) as page:
            ready(page)
            yield page

    @contextmanager
    def trader(self, user: str, size: dict[str, int] | None = None) -> Iterator[Page]:
        with self.page(user, self.url("trader"), size) as page:
            page.locator(".ms-desk .status.good").wait_for()
            yield page

    @contextmanager
    def lab(self, user: str, path: str) -> Iterator[Page]:
        """JupyterLab with the notebook ``path`` and Millstream's side bar."""
        with self.page(user, self.url("lab", f"lab/tree/{path}?reset")) as page:
            trading_state(page).wait_for(timeout=2 * PATIENCE)
            # Until the layout is restored, what is opened may be closed again.
            page.locator("#jupyterlab-splash").wait_for(state="detached")
            yield page


def ready(page: Page) -> None:
    """The monitor's page is loaded and its stream stands."""
    page.locator("#header .status.good").wait_for()


def set_up(page: Page, link: str, user: str) -> str:
    """Make the first admin by the pages; the browser is logged in then. Gives the second factor's secret."""
    page.goto(link)
    page.fill("#user", user)
    page.fill("#password", PASSPHRASE)
    page.click("button[type=submit]")
    page.click("form[action='/second-factor/offer'] button")
    secret = re.sub(r"\s", "", page.locator("code.secret").inner_text())
    page.fill("#code", pyotp.TOTP(secret).now())
    page.click("form[action='/second-factor'] button")
    page.locator("#card-monitor").wait_for()
    return secret


def log_in(page: Page, user: str, address: str) -> None:
    """Ask for a screen, and log in with name and password on the way."""
    page.goto(address)
    page.locator("#password").wait_for()
    page.fill("#user", user)
    page.fill("#password", PASSPHRASE)
    page.click("button[type=submit]")


def acting(context: BrowserContext, base: str, user: str) -> Person:
    """A person by the login of their browser."""
    csrf = next(one["value"] for one in context.cookies(base) if one["name"] == "millstream_csrf")
    answer = context.request.post(f"{base}api/v1/session/delegate", headers={"X-CSRF-Token": csrf})
    assert answer.status == 200, answer.text()
    return Person(user, base, answer.json()["access_token"])


def trading_state(page: Page) -> Locator:
    """Millstream's item in JupyterLab's status bar."""
    return page.locator(".ms-TradingState-item").first


def show_side_bar(page: Page) -> None:
    """Open Millstream's panel in JupyterLab, if it is not: a click on the tab of an open one closes it."""
    panel = page.locator(".ms-Panel")
    if not panel.is_visible():
        page.locator(".jp-SideBar .lm-TabBar-tab[data-id^=millstream]").click()
    panel.wait_for()


def without_reload(page: Page) -> Callable[[], None]:
    """Mark the page; what is given back fails when it was loaded again since."""
    page.evaluate("window.untouched = true")

    def check() -> None:
        assert page.evaluate("window.untouched === true"), f"{page.url} was loaded again"

    return check


def halt_on_monitor(page: Page, reason: str) -> None:
    """Halt everything on the monitor's risk page."""
    form = page.locator(".panel-card", has=page.get_by_role("heading", name="Stop trading"))
    form.get_by_label("Reason").fill(reason)
    form.get_by_label("Reason").blur()
    form.get_by_role("button", name="Halt…").click()
    form.get_by_role("button", name="Yes, do it").click()


def halt_on_trader(page: Page, reason: str) -> None:
    page.get_by_role("button", name="Halt trading").click()
    page.locator(".ms-reason input").fill(reason)
    page.locator(".ms-reason input").blur()
    page.get_by_role("button", name="Confirm").click()


def halt_on_lab(page: Page, reason: str) -> None:
    page.get_by_role("button", name="Trading: active. Halt trading…").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Reason").fill(reason)
    form.get_by_role("checkbox", name="Yes, refuse new orders").check()
    form.get_by_role("button", name="Halt", exact=True).click()
    expect(form).to_have_count(0, timeout=PATIENCE)


def too_wide(page: Page) -> list[str]:
    """What has to be scrolled sideways, with its width: the page itself, or the element that scrolls for it."""
    measured: list[str] = page.evaluate(
        """() => [document.documentElement, document.body, document.querySelector("#rendered_cells")]
        .filter(one => one && one.scrollWidth > window.innerWidth).map(one => `${one.nodeName} ${one.scrollWidth}`)"""
    )
    return measured


def faults(page: Page, context: str | None = None) -> list[str]:
    """Serious and critical findings of axe-core that are still there after a page had its time to be drawn."""
    for _ in range(TRIES):
        if not (found := _faults(page, context)):
            break
        # The monitor mends what its widgets get wrong once a second.
        page.wait_for_timeout(1000)
    return found


def _faults(page: Page, context: str | None) -> list[str]:
    rules = {rule: {"enabled": False} for rule in EXCEPTIONS}
    found = Axe().run(page, context, {"resultTypes": ["violations"], "rules": rules}).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:160]} {node['failureSummary'][:220]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
