"""The side bar: deployments and runners with state and money, and commands by permission."""

import re

import pytest
from playwright.sync_api import expect
from support.labextension import look, run
from support.labextension_world import VIEWER, deployment, halted, me, page, runner, world
from support.screens import faults


def card(screen, name):
    return screen.locator(f'[data-deployment="{name}"]')


def commanded(answer):
    """Whether this is an answer to a command."""
    return answer.request.method == "POST"


def test_deployment_shows_state_target_profit_and_heartbeat(told, screen):
    expect(card(screen, "sma_cross")).to_contain_text("running")
    expect(card(screen, "sma_cross")).to_contain_text("Paper")
    expect(card(screen, "sma_cross").locator(".ms-mod-gain")).to_have_text("+1,234.50 USD")
    expect(card(screen, "sma_cross")).to_contain_text(re.compile(r"heartbeat \d|silent for"))
    expect(card(screen, "breakout")).to_contain_text("cell 4 raised KeyError")
    expect(card(screen, "breakout").locator(".ms-mod-loss")).to_have_text("−806.25 USD")


def test_paper_and_live_are_never_added(told, screen):
    more = [deployment("second"), deployment("real", target="live", currency="EUR")]
    told.tell(answers={"deployments": page([deployment("first"), *more])})
    expect(screen.locator('section[aria-label="Paper"] h3 .ms-Profits')).to_have_text("+2,469.00 USD")
    expect(screen.locator('section[aria-label="Live"] h3 .ms-Profits')).to_have_text("+1,234.50 EUR")


def test_change_at_the_gateway_appears_without_a_reload(told, screen):
    expect(card(screen, "sma_cross")).to_contain_text("running")
    told.tell(answers={"deployments": page([deployment("sma_cross", state="failed", message="no heartbeat")])})
    expect(card(screen, "sma_cross")).to_contain_text("no heartbeat")


def test_unchanged_state_is_answered_without_a_body(told, screen):
    expect(card(screen, "sma_cross")).to_be_visible()
    with screen.expect_response(lambda answer: "/deployments" in answer.url and answer.status == 304):
        pass


def test_hidden_panel_reads_no_deployments(told, screen):
    screen.click('[data-id="filebrowser"]')
    told.tell(reset=True, answers=world())
    for _ in range(3):
        with screen.expect_response(lambda answer: "/halts" in answer.url):
            pass
    # A read that was under way when the panel was hidden may still come.
    assert len([path for path, _ in told.reads() if path == "deployments"]) <= 1
    assert len([path for path, _ in told.reads() if path == "halts"]) >= 3


def test_start_stop_and_pause_reach_the_gateway(told, screen):
    told.tell(answers={"deployments": page([deployment("sma_cross"), deployment("idle", desired_state="stopped")])})
    for name in ("Start idle", "Pause sma_cross"):
        with screen.expect_response(commanded):
            screen.get_by_role("button", name=name).click()
    screen.get_by_role("button", name="Stop sma_cross").click()
    with screen.expect_response(commanded):
        screen.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(screen.get_by_role("dialog")).to_have_count(0)
    given = told.commands()
    names = [one["path"] for one in given]
    assert names == ["deployments/idle/start", "deployments/sma_cross/pause", "deployments/sma_cross/stop"]
    assert len({one["key"] for one in given}) == 3
    assert all(one["key"] for one in given)


def test_stop_that_is_not_confirmed_sends_nothing(told, screen):
    screen.get_by_role("button", name="Stop sma_cross").click()
    screen.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(screen.get_by_role("dialog")).to_have_count(0)
    assert told.commands() == []


def test_refused_command_says_what_to_do(told, screen):
    refusal = {
        "status": 409,
        "code": "HALTED",
        "title": "Halted",
        "detail": "the scope is halted",
        "hint": "Resume it.",
    }
    told.tell(refusals={"deployments/sma_cross/pause": refusal})
    screen.get_by_role("button", name="Pause sma_cross").click()
    expect(screen.locator(".Toastify__toast")).to_contain_text("the scope is halted. Resume it.")


def test_paused_deployment_offers_to_resume(told, screen):
    paused = deployment("sma_cross", halt="reduce_only")
    told.tell(answers={"deployments": page([paused]), "halts": page([halted("deployment", "sma_cross")])})
    with screen.expect_response(commanded):
        screen.get_by_role("button", name="Resume sma_cross", exact=True).click()
    assert told.commands()[0]["path"] == "deployments/sma_cross/unpause"


def test_viewer_sees_no_command(told, screen):
    told.tell(answers=world(VIEWER, "viewer") | {"halts": page([halted()])})
    expect(card(screen, "sma_cross")).to_be_visible()
    expect(screen.locator(".ms-Panel")).to_contain_text("odd fills, by grace")
    expect(screen.locator(".ms-Panel button")).to_have_count(3)
    names = [button.get_attribute("aria-label") for button in screen.locator(".ms-Panel button").all()]
    assert names == ["Log of breakout", "Log of sma_cross", "Executed notebook of sma_cross"]
    expect(screen.locator("button.ms-TradingState-item")).to_have_count(0)


def test_lost_permission_takes_the_commands_away(told, screen):
    expect(screen.get_by_role("button", name="Stop sma_cross")).to_be_visible()
    told.tell(answers={"me": me(VIEWER, "viewer")})
    expect(screen.get_by_role("button", name="Stop sma_cross")).to_have_count(0)


def test_no_deployment_says_how_to_promote(told, screen):
    told.tell(answers={"deployments": page([]), "runners": page([])})
    expect(screen.locator(".ms-Empty")).to_contain_text("press Promote on its toolbar")
    told.tell(answers={"me": me(VIEWER, "viewer")})
    expect(screen.locator(".ms-Empty")).to_contain_text("Somebody with the role researcher")


def test_gateway_that_is_away_is_said_and_found_again(told, screen):
    away = {"status": 503, "code": "UNREACHABLE", "title": "Away", "detail": "nothing answers", "hint": "millstream up"}
    expect(card(screen, "sma_cross")).to_be_visible()
    told.tell(refusals={"halts": away})
    notice = screen.locator(".ms-Panel .ms-mod-error")
    expect(notice).to_contain_text("Not connected to Millstream")
    expect(notice).to_contain_text("millstream up")
    expect(screen.locator(".ms-TradingState-item")).to_contain_text("not connected")
    told.tell(accept=["halts"], answers={"runners": page([runner("sma_cross", [])])})
    expect(notice).to_have_count(0, timeout=40_000)
    expect(screen.get_by_role("button", name="Stop sma_cross")).to_be_visible()


def test_login_that_ended_takes_the_commands_away_and_shows_the_way_in(told, screen):
    expect(screen.get_by_role("button", name="Stop sma_cross")).to_be_visible()
    told.tell(refusals={"me": {"status": 403, "bare": True}})
    look(screen)
    notice = screen.locator(".ms-Panel [role=alert]")
    expect(notice).to_contain_text("You are not logged in")
    way_in = notice.get_by_role("link", name="Log in")
    expect(way_in).to_have_attribute("href", re.compile(r"^http.*/login\?next=%2Flab"))
    expect(screen.get_by_role("button", name="Stop sma_cross")).to_have_count(0)
    assert faults(screen, ".ms-Panel") == []


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_side_bar_has_no_serious_accessibility_fault(told, screen, theme):
    told.tell(answers={"halts": page([halted(), halted("portfolio", "sma_cross-book")])})
    run(screen, "apputils:change-theme", theme=theme)
    look(screen)
    expect(screen.locator(".ms-Panel")).to_contain_text("odd fills, by grace")
    for part in (".ms-Panel", ".ms-TradingState"):
        assert faults(screen, part) == []


def test_runner_is_described(told, screen):
    expect(card(screen, "sma_cross").get_by_title("Process 4711 on desk, run 3, 2 restarts")).to_be_visible()
