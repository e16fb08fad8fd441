"""The trader app in a real browser before a real gateway: who sees what, live, without a reload."""

import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from support.browser import PHONE, chromium

from millstream_dashboards.trader.static import BUNDLE, PREFIX

from .conftest import World, request

SECONDS = 60_000


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def open_desk(browser, world: World, trader: str) -> Iterator[Callable[..., Page]]:
    """``open_desk(user)`` opens a page of a person; it stays until the end of these tests."""
    contexts: list[BrowserContext] = []

    def opened(user: str, **options) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(SECONDS)
        context.add_cookies([{"name": "millstream_access", "value": world.token(user), "url": trader}])
        page = context.new_page()
        page.asked = []
        page.on("request", lambda sent: page.asked.append(sent.url))
        page.goto(f"{trader}/")
        page.locator(".ms-card").first.wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def tom(open_desk) -> Page:
    """A trader's page."""
    return open_desk("tom")


@pytest.fixture(scope="module")
def vera(open_desk) -> Page:
    """A viewer's page."""
    return open_desk("vera")


def resume(world: World, scope: dict[str, str]) -> None:
    answer = request(
        "POST",
        f"{world.url('gateway')}/api/v1/halts/resume",
        headers=world.bearer("tom"),
        body={**scope, "reason": "test"},
    )
    assert answer.status == 200, answer.body


def test_nobody_is_sent_to_the_login(world: World, trader: str):
    answer = request("GET", f"{trader}/")
    assert answer.status == 302
    assert answer.headers["Location"].startswith("/login?next=")


def test_the_page_shows_no_source_and_asks_no_foreign_host(trader: str, tom: Page):
    expect(tom.locator(".ms-desk h1")).to_contain_text("Millstream")
    assert [url for url in tom.asked if not url.startswith((trader, "data:", "blob:"))] == []
    assert "millstream_dashboards.trader" not in tom.content()


def test_voilas_scripts_come_as_one_that_a_browser_keeps_for_a_year(trader: str, tom: Page):
    assert [url for url in tom.asked if url.endswith((".voila.js", "/voila.js"))] == []
    bundle = f"{trader}{PREFIX}/static/{BUNDLE}"
    assert bundle in tom.asked
    packed = request("GET", bundle, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == request("GET", bundle).body
    assert request("GET", f"{trader}{PREFIX}/static/none.js").status == 404


def test_a_viewer_sees_no_command(vera: Page):
    expect(vera.locator(".ms-banner")).to_contain_text("You are watching")
    assert vera.locator(".ms-button:visible").count() == 0


def test_a_trader_halts_with_a_reason_and_the_page_of_another_shows_it_without_a_reload(
    world: World, tom: Page, vera: Page
):
    tom.get_by_role("button", name="Halt trading").click()
    tom.get_by_role("button", name="Confirm").click()
    expect(tom.locator(".ms-confirm")).to_contain_text("Write a reason first")
    tom.locator(".ms-reason input").fill("too wild")
    tom.locator(".ms-reason input").blur()
    tom.get_by_role("button", name="Confirm").click()
    try:
        expect(vera.locator(".notice.bad")).to_contain_text("too wild", timeout=SECONDS)
        expect(tom.locator(".notice.good")).to_contain_text("halted", timeout=SECONDS)
        [halt] = request("GET", f"{world.url('gateway')}/api/v1/halts", headers=world.bearer("vera")).json["items"]
        assert (halt["scope"], halt["actor"], halt["reason"]) == ("global", "tom", "too wild")
    finally:
        resume(world, {"scope": "global"})
    expect(vera.locator(".notice.bad")).to_have_count(0, timeout=SECONDS)


def test_the_desk_speaks_the_viewers_language_and_fits_a_phone(world: World, open_desk):
    changed = request(
        "PATCH",
        f"{world.url('gateway')}/api/v1/me",
        headers=world.bearer("olga"),
        body={"language": "fr", "theme": "light"},
    )
    assert changed.status == 200, changed.body
    page = open_desk("olga", viewport=PHONE)
    assert (page.title(), page.locator("html").get_attribute("lang")) == ("Millstream · Trading", "fr")
    assert page.locator("html").get_attribute("data-theme") == "light"
    expect(page.locator(".ms-desk h1")).to_contain_text("Trading")
    expect(page.locator(".ms-desk")).to_contain_text("Aucune position ouverte")
    assert page.evaluate("document.querySelector('#rendered_cells').scrollWidth <= window.innerWidth")


def test_another_viewers_kernel_cannot_be_reached(world: World, trader: str, tom: Page):
    kernel = kernel_of(tom)
    url = f"{trader}/api/kernels/{kernel}"
    assert request("GET", url, headers=world.bearer("tom")).status == 200
    assert request("GET", url, headers=world.bearer("vera")).status == 404
    assert request("GET", f"{url}/channels", headers=world.bearer("vera")).status == 404
    assert request("POST", f"{trader}/voila/api/shutdown/{kernel}", headers=world.bearer("vera"), body={}).status == 404
    assert request("GET", f"{trader}/voila/query/{kernel}").status in {302, 404}


def test_a_kernel_is_reached_over_sockets_that_only_this_user_can_open(tom: Page):
    kernel = kernel_of(tom)
    [process] = [one for one in psutil.process_iter(["cmdline"]) if kernel in " ".join(one.info["cmdline"] or ())]
    channels = {Path(one.laddr) for one in process.net_connections("unix") if kernel in one.laddr}
    assert {path.name for path in channels} == {f"kernel-{kernel}-ipc-{number}" for number in range(1, 6)}
    assert {path.parent.stat().st_mode & 0o777 for path in channels} == {0o700}


def test_a_page_that_closes_ends_its_kernel(world: World, trader: str, tom: Page):
    kernel = kernel_of(tom)
    tom.goto(f"{world.url('gateway')}/login")
    url = f"{trader}/api/kernels/{kernel}"
    deadline = time.monotonic() + 45
    while request("GET", url, headers=world.bearer("tom")).status != 404:
        assert time.monotonic() < deadline, "the kernel lives on"
        time.sleep(0.2)


def kernel_of(page: Page) -> str:
    return page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
