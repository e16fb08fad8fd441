"""The screens of one running platform in a real browser: what people see, do, and may not do."""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from functools import partial

import psutil
import pytest
from playwright.sync_api import Page, expect
from support import screens
from support.browser import DESKTOP, PHONE, chromium, window
from support.jupyter import Lab, cells
from support.people import Person, eventually, invited
from support.screens import PATIENCE, PROMOTE, Platform, halt_on_lab, halt_on_monitor, halt_on_trader, without_reload

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
DEPLOYMENT = "sma_cross"
NOTEBOOK = "strategies/rsi_reversion.ipynb"
MONITOR = ("overview", "positions", "orders", "deployments", "risk", "market", "history", "analytics", "instruments",
           "settings", "users", "audit")  # fmt: skip
COMMANDS = re.compile(
    r"^(Start|Stop…?|Pause…?|Go on|Resume|Halt…?|Halt trading|Allow trading|Cancel|Cancel the order…|Flatten…?|"
    r"Send order|Save limits…?|Change limits…|New deployment…|Deploy…|Register|Invite|Promote)$"
)
REFUSED = (
    ("POST", "promotions", {"notebook": NOTEBOOK}),
    ("POST", "orders", {"deployment": DEPLOYMENT, "instrument": "SAMPLE:AAPL", "side": "buy", "quantity": "1"}),
    ("DELETE", "orders/of-others", None),
    ("POST", "flatten", {"deployment": DEPLOYMENT, "confirm": True}),
    ("POST", "halts", {"scope": "global", "reason": "no"}),
    ("POST", "halts/resume", {"scope": "global", "reason": "no"}),
    ("POST", "deployments", {"release": "sma_cross@1"}),
    ("PATCH", f"deployments/{DEPLOYMENT}", {"limits": {"max_order_notional": 1}}),
    *(("POST", f"deployments/{DEPLOYMENT}/{verb}", None) for verb in ("start", "stop", "pause", "unpause")),
    ("POST", "instruments", {"exchange": "X", "symbol": "Y", "currency": "USD"}),
    ("POST", "users", {"user": "mine", "role": "admin"}),
)


@pytest.fixture(scope="module")
def platform(shared_cli, repository) -> Iterator[Platform]:
    """One platform for all of these tests; after them, nothing of it runs any more."""
    # JupyterLab saves what it promotes: into a copy, not into the checkout.
    notebooks = shared_cli.home / "notebooks"
    shutil.copytree(repository / "strategies", notebooks / "strategies")
    expect.set_options(timeout=PATIENCE)
    with chromium() as browser:
        node = shared_cli.json("up", "--detach", "--notebooks", str(notebooks))
        with window(browser) as admin, window(browser) as viewer:
            for profile in (admin, viewer):
                profile.set_default_timeout(PATIENCE)
            yield Platform(node, browser, profiles={"ada": admin, "vera": viewer})
    stopped = shared_cli.run("down")
    assert stopped.returncode == 0, stopped.stderr
    assert shared_cli.processes() == []
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def ada(platform: Platform) -> Person:
    """The first admin: the account was made in the browser, which is logged in since."""
    page = platform.profiles["ada"].new_page()
    screens.set_up(page, platform.node["setup_link"], "ada")
    page.close()
    return screens.acting(platform.profiles["ada"], platform.base, "ada")


@pytest.fixture(scope="module")
def vera(platform: Platform, ada: Person) -> Person:
    """A viewer, logged in with a browser of her own."""
    person = invited(ada, "vera", "viewer")
    page = platform.profiles["vera"].new_page()
    screens.log_in(page, "vera", platform.base)
    page.locator("#card-monitor").wait_for()
    page.close()
    return person


@pytest.fixture(scope="module")
def trading(ada: Person) -> str:
    """A deployment that trades on the running replay."""
    return ada.promote("strategies/sma_cross.ipynb", parameters={"fast": 2, "slow": 4})


@pytest.fixture(scope="module")
def lab(platform: Platform, ada: Person) -> Iterator[Page]:
    """The admin's JupyterLab. Loading it takes seconds, so it is loaded once."""
    with platform.lab("ada", NOTEBOOK) as page:
        yield page


def test_the_first_admin_comes_in_by_the_setup_link_and_needs_a_second_factor(platform: Platform, ada: Person):
    me = ada.get("me")
    assert (me["role"], me["second_factor"]) == ("admin", True)
    assert "live" in me["permissions"]
    with platform.stranger() as page:
        page.goto(platform.node["setup_link"])
        expect(page.locator("#password")).to_have_count(0)
        screens.log_in(page, "ada", platform.base)
        expect(page.locator(".problem")).to_be_visible()


def test_one_login_opens_every_screen_and_logging_out_everywhere_closes_them(platform: Platform, ada: Person):
    invited(ada, "leo", "viewer")
    with platform.stranger() as page:
        screens.log_in(page, "leo", platform.url("monitor", "settings"))
        screens.ready(page)
        for screen, seen in (("trader", ".ms-desk .ms-card"), ("lab", "#jp-main-dock-panel")):
            page.goto(platform.url(screen))
            page.locator(seen).first.wait_for(timeout=2 * PATIENCE)
        page.goto(platform.url("monitor", "settings"))
        page.get_by_role("button", name="Log out everywhere…").click()
        page.get_by_role("button", name="Yes, do it").click()
        page.locator("#password").wait_for()
        for screen in ("gateway", "monitor", "trader", "lab"):
            eventually(partial(_asks_for_login, page, platform.url(screen)))


@pytest.mark.parametrize(
    ("screen", "seen"),
    [("gateway", "#card-monitor"), ("monitor", "#header .status.good"), ("trader", ".ms-desk .ms-card"),
     ("lab", "#jp-main-dock-panel")],
)  # fmt: skip
def test_a_screen_opens_without_the_password_when_the_access_token_has_ended(
    platform: Platform, vera: Person, screen: str, seen: str
):
    profile = platform.profiles["vera"]
    # A browser drops this cookie after ten minutes; that of a screen names a login that a restart has forgotten.
    profile.clear_cookies(name=re.compile("^millstream_(access|screen_.*)$"))
    with platform.page("vera", platform.url(screen)) as page:
        page.locator(seen).first.wait_for(timeout=2 * PATIENCE)
        assert page.url.startswith(platform.url(screen).partition("/lab")[0])
    assert "millstream_access" in {cookie["name"] for cookie in profile.cookies(platform.base)}


def _asks_for_login(page: Page, address: str) -> bool:
    page.goto(address)
    return page.locator("#password").count() > 0


def test_an_instrument_registered_on_the_monitor_is_listed(platform: Platform, ada: Person):
    with platform.monitor("ada", "instruments") as page:
        for label, value in (("Exchange", "SAMPLE"), ("Symbol", "NEWCO"), ("Currency", "USD")):
            page.get_by_label(label, exact=True).fill(value)
        page.get_by_label("Description").fill("made in a test")
        page.get_by_label("Description").blur()
        page.get_by_role("button", name="Register", exact=True).click()
        expect(page.locator(".notice.good")).to_contain_text("NEWCO is registered")
        expect(page.get_by_role("gridcell", name="made in a test")).to_be_visible()
    assert ada.get("instruments/SAMPLE:NEWCO")["description"] == "made in a test"


def test_a_fill_appears_on_monitor_and_trader_app_without_a_reload(platform: Platform, ada: Person, trading: str):
    with platform.monitor("ada", "orders") as monitor, platform.trader("ada") as trader:
        untouched = [without_reload(monitor), without_reload(trader)]
        fills(trader)
        eventually(lambda: ada.items("fills", deployment=trading))
        assert ada.order(trading, "7")["order"] is not None
        shows_fill(monitor, trader, "7")
        for check in untouched:
            check()


def fills(trader: Page) -> None:
    trader.get_by_role("tab", name="Fills").click()


def shows_fill(monitor: Page, trader: Page, quantity: str) -> None:
    """Both list a purchase of that many."""
    row = monitor.get_by_role("row").filter(has_text="Buy").filter(
        has=monitor.get_by_role("gridcell", name=quantity, exact=True)
    )  # fmt: skip
    expect(row.first).to_be_visible()
    table = trader.get_by_role("region", name="Fills").get_by_role("row").filter(has_text="Buy")
    expect(table.filter(has=trader.get_by_role("cell", name=quantity, exact=True)).first).to_be_visible()


@pytest.mark.parametrize("screen", ["monitor", "trader", "lab"])
def test_a_halt_from_each_screen_stops_orders(platform: Platform, ada: Person, trading: str, screen: str, request):
    reason = f"stopped on {screen}"
    try:
        if screen == "lab":
            halt_on_lab(request.getfixturevalue("lab"), reason)
        elif screen == "monitor":
            with platform.monitor("ada", "risk") as page:
                halt_on_monitor(page, reason)
                expect(page.get_by_role("region", name="Halts").get_by_text(reason)).to_be_visible()
        else:
            with platform.trader("ada") as page:
                halt_on_trader(page, reason)
                expect(page.locator(".notice.good")).to_contain_text("halted")
        [halt] = eventually(lambda: ada.items("halts"))
        assert (halt["scope"], halt["state"], halt["actor"], halt["reason"]) == ("global", "halted", "ada", reason)
        assert ada.order(trading, "1")["rejection"]["code"] == "HALTED"
    finally:
        ada.give("halts/resume", {"scope": "global", "reason": "the test is over"})
    assert ada.order(trading, "1")["order"] is not None


def test_the_monitor_stops_and_starts_a_deployment(platform: Platform, ada: Person, trading: str):
    with platform.monitor("ada", f"deployments?deployment={trading}") as page:
        page.get_by_role("button", name="Stop…").click()
        page.get_by_role("button", name="Yes, do it").click()
        eventually(lambda: ada.deployment(trading)["state"] == "stopped")
        expect(page.get_by_role("region", name="Deployments").get_by_text("Stopped")).to_be_visible()
        page.get_by_role("button", name="Start", exact=True).click()
        eventually(lambda: ada.deployment(trading)["state"] == "running", 120)
        expect(page.get_by_role("region", name="Deployments").get_by_text("Running")).to_be_visible()


def test_the_trader_app_stops_and_starts_a_deployment(platform: Platform, ada: Person, trading: str):
    with platform.trader("ada") as page:
        card = page.locator(".ms-card", has=page.get_by_role("heading", name="Deployments", exact=True))
        row = card.locator(".ms-row", has_text=trading)
        row.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_role("button", name="Confirm").click()
        eventually(lambda: ada.deployment(trading)["state"] == "stopped")
        expect(row.locator(".badge", has_text="stopped")).to_be_visible()
        row.get_by_role("button", name="Start", exact=True).click()
        eventually(lambda: ada.deployment(trading)["state"] == "running", 120)
        expect(row.locator(".badge", has_text="running")).to_be_visible()


def test_the_button_of_jupyterlab_promotes_with_parameters(ada: Person, lab: Page):
    lab.locator(PROMOTE).click()
    form = lab.get_by_role("dialog")
    form.get_by_label("period").fill("3")
    form.get_by_role("button", name="Promote").click()
    lab.get_by_role("button", name="Show the deployment rsi_reversion").click(timeout=3 * PATIENCE)
    expect(lab.locator('[data-deployment="rsi_reversion"]')).to_contain_text("running")
    made = ada.deployment("rsi_reversion")
    assert (made["state"], made["parameters"]["period"], made["target"]) == ("running", 3, "paper")


@pytest.mark.parametrize("name", ["orders", "deployments", "risk", "instruments", "users", "audit"])
def test_a_viewer_sees_no_command_on_the_monitor(platform: Platform, vera: Person, trading: str, name: str):
    with platform.monitor("vera", name) as page:
        assert page.get_by_role("button", name=COMMANDS, include_hidden=True).count() == 0
        assert page.locator("nav.pages a[href*=users], nav.pages a[href*=audit]").count() == 0


def test_a_viewer_sees_no_command_on_the_trader_app(platform: Platform, vera: Person, trading: str):
    with platform.trader("vera") as page:
        expect(page.locator(".ms-row", has_text=trading).first).to_be_visible()
        expect(page.locator(".ms-banner")).to_contain_text("You are watching")
        assert page.get_by_role("button", name=COMMANDS, include_hidden=True).count() == 0
        assert page.locator(".ms-button").count() == 0


def test_a_viewer_sees_no_command_in_jupyterlab(platform: Platform, vera: Person, trading: str):
    with platform.lab("vera", "strategies/sma_cross.ipynb") as page:
        expect(page.locator("span.ms-TradingState-item")).to_have_text("Trading: active")
        expect(page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name=save]")).to_be_visible()
        expect(page.locator(f"{PROMOTE} button:visible, {PROMOTE} jp-button:visible")).to_have_count(0)
        screens.show_side_bar(page)
        expect(page.locator(f'[data-deployment="{trading}"]')).to_be_visible()
        assert page.get_by_role("button", name=re.compile(r"^(Start|Stop|Pause|Resume|Halt) ")).count() == 0


def test_the_api_refuses_every_command_of_a_viewer(vera: Person, trading: str):
    answers = {f"{method} {path}": vera.ask(method, path, body) for method, path, body in REFUSED}
    wrong = {name: answer for name, answer in answers.items() if answer.status != 403}
    assert wrong == {}
    assert {answer.body["code"] for answer in answers.values()} == {"FORBIDDEN"}


def test_a_viewers_kernel_reads_and_cannot_promote(platform: Platform, ada: Person, vera: Person, trading: str):
    status, promoted = cells(
        Lab(platform.node["lab_url"], vera.token), "strategies/momentum_rotation.ipynb",
        "%ms status", "%ms promote strategies/momentum_rotation.ipynb",
    )  # fmt: skip
    assert trading in status.text, status
    assert "permission" in (promoted.text + promoted.html + promoted.error).lower(), promoted
    assert "Traceback" not in promoted.text + promoted.error
    assert {one["deployment"] for one in ada.items("deployments")} <= {trading, "rsi_reversion"}


def test_every_screen_comes_back_after_the_gateway_was_killed(
    platform: Platform, ada: Person, trading: str, lab: Page, shared_cli
):
    with platform.monitor("ada", "orders") as monitor, platform.trader("ada") as trader:
        screens.show_side_bar(lab)
        untouched = [without_reload(page) for page in (monitor, trader, lab)]
        fills(trader)
        old = gateway_process(shared_cli.home)
        os.kill(old, signal.SIGKILL)
        expect(monitor.locator("#header .status.warn")).to_be_visible()
        expect(trader.locator(".ms-top .status.warn")).to_be_visible()
        eventually(lambda: gateway_process(shared_cli.home) not in {None, old})
        expect(monitor.locator("#header .status.good")).to_be_visible()
        expect(trader.locator(".ms-top .status.good")).to_be_visible()
        assert ada.order(trading, "13")["order"] is not None
        shows_fill(monitor, trader, "13")
        ada.give(f"deployments/{trading}/pause")
        try:
            card = lab.locator(f'[data-deployment="{trading}"]')
            expect(card.locator(".ms-mod-halt")).to_be_visible()
        finally:
            ada.give(f"deployments/{trading}/unpause")
        for check in untouched:
            check()


def gateway_process(home: object) -> int | None:
    """The gateway of that home directory, which ``up`` starts again when it ends."""
    for process in psutil.process_iter(["cmdline", "environ", "status"]):
        ours = (process.info["environ"] or {}).get("MILLSTREAM_HOME") == str(home)
        if ours and (process.info["cmdline"] or [])[-1:] == ["millstream.gateway"]:
            return process.pid
    return None


@pytest.mark.parametrize(
    ("language", "locale", "log_in", "overview"),
    [("de", "de-DE", "Anmelden", "Übersicht"), ("zh", "zh-CN", "登录", "总览")],
)
def test_login_and_monitor_speak_other_languages(
    platform: Platform, vera: Person, language: str, locale: str, log_in: str, overview: str
):
    with platform.stranger(locale=locale) as page:
        page.goto(platform.url("monitor"))
        expect(page.get_by_role("heading", level=1)).to_have_text(log_in)
        expect(page.locator("html")).to_have_attribute("lang", language)
    vera.give("me", {"language": language}, "PATCH")
    try:
        with platform.monitor("vera", "overview") as page:
            expect(page.get_by_role("heading", level=1)).to_have_text(overview)
            expect(page.locator("html")).to_have_attribute("lang", language)
    finally:
        vera.give("me", {"language": "en"}, "PATCH")


@pytest.mark.parametrize("name", MONITOR)
def test_a_page_of_the_monitor_fits_a_phone_and_axe_finds_nothing_serious(
    platform: Platform, ada: Person, trading: str, name: str
):
    with platform.monitor("ada", name, PHONE) as page:
        assert screens.too_wide(page) == []
        page.set_viewport_size(DESKTOP)
        page.click("#sidebar-button")
        expect(page.get_by_role("link", name="Overview", exact=True)).to_be_visible()
        assert screens.faults(page) == []


def test_the_navigation_of_a_phone_is_reached_by_keyboard(platform: Platform, ada: Person):
    with platform.monitor("ada", "overview", PHONE) as page:
        link = page.get_by_role("link", name="Risk", exact=True)
        expect(link).to_be_hidden()
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator("#sidebar-button")).to_be_focused()
        page.keyboard.press("Enter")
        expect(link).to_be_visible()
        for _ in range(40):
            if link.evaluate("one => one.getRootNode().activeElement === one"):
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Risk")


def test_the_other_pages_fit_a_phone(platform: Platform, ada: Person, trading: str):
    with platform.trader("ada", PHONE) as page:
        assert screens.too_wide(page) == []
    for path in ("", "account", "second-factor", "logout"):
        with platform.page("ada", platform.base + path, PHONE) as page:
            assert screens.too_wide(page) == [], path
    with platform.stranger(size=PHONE) as page:
        page.goto(f"{platform.base}login")
        assert screens.too_wide(page) == []


@pytest.mark.parametrize("path", ["", "account", "second-factor", "logout"])
def test_axe_finds_nothing_serious_on_the_pages_of_the_gateway(platform: Platform, ada: Person, path: str):
    with platform.page("ada", platform.base + path) as page:
        assert screens.faults(page) == []


def test_axe_finds_nothing_serious_before_the_login(platform: Platform, ada: Person):
    link = ada.give("users", {"user": "nobody", "role": "viewer"})["link"]
    with platform.stranger() as page:
        for address in (f"{platform.base}login", link):
            page.goto(address)
            page.locator("#password").wait_for()
            assert screens.faults(page) == [], address


def test_axe_finds_nothing_serious_on_the_trader_app(platform: Platform, ada: Person, trading: str):
    with platform.trader("ada") as page:
        expect(page.locator(".ms-row", has_text=trading).first).to_be_visible()
        assert screens.faults(page) == []


def test_axe_finds_nothing_serious_in_the_side_bar_of_jupyterlab(lab: Page, trading: str):
    screens.show_side_bar(lab)
    expect(lab.locator(f'[data-deployment="{trading}"]')).to_be_visible()
    assert screens.faults(lab, ".ms-Panel") == []
