"""Log, executed notebook, launcher cards, templates, palette, keyboard and themes."""

import json

import pytest
from playwright.sync_api import expect
from support.labextension import run

LOG = "deployments/sma_cross/log"
RUNS = "deployments/sma_cross/runs"


def notebook_text(number):
    return f"<html><body><h1>run {number}</h1><script>document.body.textContent = 'ran'</script></body></html>"


def click_card(screen, text):
    """Open the launcher and click one of its cards.

    JupyterLab opens a launcher of its own when the last tab was closed, before or after this one: the card that counts
    is the one that can be seen.
    """
    run(screen, "launcher:create")
    screen.locator(".jp-LauncherCard", has_text=text).filter(visible=True).click()


@pytest.fixture
def executed(told, screen):
    told.tell(
        answers={
            RUNS: {"items": [3, 2], "next": ""},
            f"{RUNS}/3/notebook": notebook_text(3),
            f"{RUNS}/2/notebook": notebook_text(2),
        }
    )
    screen.get_by_role("button", name="Executed notebook of sma_cross").click()
    return screen.locator(".ms-Executed")


def test_log_is_followed(told, screen):
    told.tell(answers={LOG: {"text": "first line\n", "next": 11}})
    screen.get_by_role("button", name="Log of sma_cross").click()
    log = screen.get_by_role("log")
    expect(log).to_contain_text("first line")
    told.tell(answers={LOG: {"text": "second line\n", "next": 23}})
    expect(log).to_contain_text("second line")
    expect(log).to_contain_text("first line")


def test_log_that_cannot_be_read_says_why(told, screen):
    told.tell(refusals={LOG: {"status": 404, "code": "NOT_FOUND", "title": "No log", "hint": "Start it first."}})
    screen.get_by_role("button", name="Log of sma_cross").click()
    expect(screen.locator(".ms-Log .ms-mod-error")).to_have_text("No log. Start it first.")


def test_executed_notebook_is_shown_and_runs_no_script(executed):
    frame = executed.locator("iframe")
    assert frame.get_attribute("sandbox") == ""
    expect(frame.content_frame.locator("h1")).to_have_text("run 3")


def test_an_older_run_can_be_chosen(screen, executed):
    expect(executed.locator("iframe").content_frame.locator("h1")).to_have_text("run 3")
    screen.get_by_label("Run", exact=True).select_option("2")
    expect(executed.locator("iframe").content_frame.locator("h1")).to_have_text("run 2")


def test_card_opens_the_monitor_in_a_tab_of_the_browser(told, screen):
    told.tell(answers={"screens": {"monitor": f"{told.base}/api", "trader": ""}})
    with screen.expect_popup() as popup:
        click_card(screen, "Monitor")
    popup.value.wait_for_url("**/api")
    popup.value.close()


def test_card_of_a_screen_that_does_not_run_says_what_to_do(screen):
    click_card(screen, "Trader app")
    expect(screen.get_by_role("dialog")).to_contain_text("millstream up")
    screen.get_by_role("dialog").get_by_role("button").last.click()


@pytest.mark.parametrize(
    ("card", "file", "word"),
    [
        ("Vectorised strategy", "momentum.ipynb", "def target"),
        ("Event-driven strategy", "breakout.ipynb", "def on_bar"),
    ],
)
def test_template_makes_a_notebook_that_never_replaces_one(told, screen, card, file, word):
    (told.workspace / file).write_text("{}", encoding="utf-8")
    click_card(screen, card)
    expect(screen.locator(".jp-Notebook")).to_contain_text(word)
    made = told.workspace / file.replace(".ipynb", "_2.ipynb")
    assert word in json.dumps(json.loads(made.read_text(encoding="utf-8")))
    assert (told.workspace / file).read_text(encoding="utf-8") == "{}"
    for left in (made, told.workspace / file):
        left.unlink()


def test_halt_is_reached_by_keyboard_alone(screen):
    screen.locator("body").press("Control+Alt+h")
    dialog = screen.get_by_role("dialog")
    expect(dialog).to_contain_text("Halt trading")
    expect(dialog.locator(":focus")).to_have_count(1)
    screen.keyboard.press("Escape")
    expect(screen.get_by_role("dialog")).to_have_count(0)


def test_palette_lists_the_commands(screen):
    run(screen, "apputils:activate-command-palette")
    palette = screen.locator(".lm-CommandPalette")
    palette.locator("input").fill("millstream")
    for label in ("Halt trading…", "Show deployments and runners", "Open the Monitor", "Vectorised strategy"):
        expect(palette.get_by_text(label, exact=True)).to_be_visible()
    screen.keyboard.press("Escape")


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_profit_and_loss_can_be_read_in_both_themes(screen, theme):
    run(screen, "apputils:change-theme", theme=theme)
    dark = str(theme == "JupyterLab Light").lower()
    expect(screen.locator("body")).to_have_attribute("data-jp-theme-light", dark)
    for kind in ("gain", "loss"):
        ratio = screen.locator(f".ms-Deployment .ms-mod-{kind}").first.evaluate(CONTRAST)
        assert ratio >= 4.5


CONTRAST = """node => {
    const light = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number)
        .map(one => one / 255).map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
        .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
    const panel = getComputedStyle(node.closest('.ms-Panel')).backgroundColor;
    const pair = [light(getComputedStyle(node).color), light(panel)].sort();
    return (pair[1] + 0.05) / (pair[0] + 0.05);
}"""
