"""The trader app in a real browser before a real gateway: who sees what, live, without a reload."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from support.browser import PHONE, chromium

from .conftest import World, request

SECONDS = 60_000


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def desk(browser, world: World, trader: str) -> Iterator:
    """``desk(user)`` opens the page of a person."""
    contexts: list[BrowserContext] = []

    def opened(user: str, **options) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(SECONDS)
        context.add_cookies([{"name": "millstream_access", "value": world.token(user), "url": trader}])
        page = context.new_page()
        page.foreign = []
        page.on("request", lambda sent: _note(page.foreign, trader, sent.url))
        page.goto(f"{trader}/")
        page.locator(".ms-card").first.wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()


def _note(foreign: list[str], own: str, url: str) -> None:
    if not url.startswith((own, "data:", "blob:")):
        foreign.append(url)


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


def test_the_page_shows_no_source_and_asks_no_foreign_host(desk):
    page = desk("tom")
    expect(page.locator(".ms-desk h1")).to_contain_text("Millstream")
    assert page.foreign == []
    assert "millstream_dashboards.trader" not in page.content()


def test_a_viewer_sees_no_command(desk):
    page = desk("vera")
    expect(page.locator(".ms-banner")).to_contain_text("You are watching")
    assert page.locator(".ms-button:visible").count() == 0


def test_a_trader_halts_with_a_reason_and_the_page_of_another_shows_it_without_a_reload(world: World, desk):
    viewer, page = desk("vera"), desk("tom")
    page.get_by_role("button", name="Halt trading").click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator(".ms-confirm")).to_contain_text("Write a reason first")
    page.locator(".ms-reason input").fill("too wild")
    page.locator(".ms-reason input").blur()
    page.get_by_role("button", name="Confirm").click()
    try:
        expect(viewer.locator(".notice.bad")).to_contain_text("too wild", timeout=SECONDS)
        expect(page.locator(".notice.good")).to_contain_text("halted", timeout=SECONDS)
        [halt] = request("GET", f"{world.url('gateway')}/api/v1/halts", headers=world.bearer("vera")).json["items"]
        assert (halt["scope"], halt["actor"], halt["reason"]) == ("global", "tom", "too wild")
    finally:
        resume(world, {"scope": "global"})
    expect(viewer.locator(".notice.bad")).to_have_count(0, timeout=SECONDS)


def test_the_desk_speaks_the_viewers_language_and_fits_a_phone(world: World, desk):
    changed = request(
        "PATCH",
        f"{world.url('gateway')}/api/v1/me",
        headers=world.bearer("olga"),
        body={"language": "fr", "theme": "light"},
    )
    assert changed.status == 200, changed.body
    page = desk("olga", viewport=PHONE)
    expect(page.locator(".ms-desk h1")).to_contain_text("Trading")
    expect(page.locator(".ms-desk")).to_contain_text("Aucune position ouverte")
    assert page.evaluate("document.querySelector('#rendered_cells').scrollWidth <= window.innerWidth")


def test_another_viewers_kernel_cannot_be_reached(world: World, trader: str, desk):
    page = desk("tom")
    kernel = page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    url = f"{trader}/api/kernels/{kernel}"
    assert request("GET", url, headers=world.bearer("tom")).status == 200
    assert request("GET", url, headers=world.bearer("vera")).status == 404
    assert request("GET", f"{url}/channels", headers=world.bearer("vera")).status == 404
    assert request("POST", f"{trader}/voila/api/shutdown/{kernel}", headers=world.bearer("vera"), body={}).status == 404
    assert request("GET", f"{trader}/voila/query/{kernel}").status in {302, 404}


def test_a_page_that_closes_ends_its_kernel(world: World, trader: str, desk):
    page = desk("tom")
    kernel = page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    page.goto(f"{world.url('gateway')}/login")
    url = f"{trader}/api/kernels/{kernel}"
    deadline = time.monotonic() + 45
    while request("GET", url, headers=world.bearer("tom")).status != 404:
        assert time.monotonic() < deadline, "the kernel lives on"
        time.sleep(0.2)
