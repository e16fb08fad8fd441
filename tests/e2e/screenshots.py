"""Pictures of every screen, by ``make screenshots``: a platform with data, a browser before it, PNG files.

The best ones go to ``docs/images``, all of them to ``build/screenshots``.
"""

import importlib.util
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from PIL import Image  # noqa: E402 - the path comes first
from playwright.sync_api import Page, expect  # noqa: E402
from support import screens  # noqa: E402
from support.browser import PHONE, chromium, window  # noqa: E402
from support.people import Person, eventually  # noqa: E402
from support.screens import PROMOTE, Platform  # noqa: E402

ALL = TESTS.parent / "build" / "screenshots"
BEST = TESTS.parent / "docs" / "images"
# What README and documentation show.
CHOSEN = frozenset({"overview", "market", "risk", "analytics", "deployments", "overview-phone", "overview-de-light",
                    "trader", "lab-promote", "login"})  # fmt: skip
PAGES = ("overview", "positions", "orders", "deployments", "risk", "market", "history", "analytics", "instruments",
         "settings", "users", "audit")  # fmt: skip
STRATEGIES = {
    "momentum_rotation": {"lookback": 20},
    "sma_cross": {"fast": 5, "slow": 20},
    "rsi_reversion": {"period": 7},
}
# Pages that show one deployment after the other: the one with the most to see.
ONE = frozenset({"market", "deployments"})
LARGEST = 150_000
SPEED = "4"
ROUND_TRIPS = 12
STEADY_TRIES = 5


def main() -> None:
    """Take them all."""
    for folder in (ALL, BEST):
        folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=screens.PATIENCE)
    with platform() as shown:
        ada = enter(shown)
        trade(ada)
        of_the_gateway(shown)
        of_the_monitor(shown, ada)
        of_the_trader_app(shown)
        of_jupyterlab(shown)


@contextmanager
def platform() -> Iterator[Platform]:
    """A platform on a home directory of its own, and a browser; both are gone at the end."""
    cli = _cli(Path(tempfile.mkdtemp(prefix="ms-")))
    try:
        with chromium() as browser, window(browser) as admin:
            admin.set_default_timeout(screens.PATIENCE)
            notebooks = cli.home / "notebooks"
            # JupyterLab saves what it promotes: into a copy, not into the checkout.
            shutil.copytree(TESTS.parent / "strategies", notebooks / "strategies")
            node = cli.json("up", "--detach", "--speed", SPEED, "--notebooks", str(notebooks))
            yield Platform(node, browser, profiles={"ada": admin})
        cli.run("down")
    finally:
        cli.end_all()
        shutil.rmtree(cli.home, ignore_errors=True)


def _cli(home: Path):  # type: ignore[no-untyped-def] # a class of the tests' conftest, which is no module on the path
    spec = importlib.util.spec_from_file_location("e2e_conftest", TESTS / "e2e" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    home.chmod(0o755)
    return module.Cli(home)


def enter(shown: Platform) -> Person:
    """The first admin, made in the browser."""
    page = shown.profiles["ada"].new_page()
    page.goto(shown.node["setup_link"])
    take(page, "setup")
    screens.set_up(page, shown.node["setup_link"], "ada")
    page.close()
    return screens.acting(shown.profiles["ada"], shown.base, "ada")


def trade(ada: Person) -> None:
    """Strategies that trade for some market years, a manual order, an order that is refused, a halt that is over."""
    for name, parameters in STRATEGIES.items():
        ada.promote(f"strategies/{name}.ipynb", parameters=parameters)
    eventually(lambda: len(ada.items("trades", limit=50)) >= ROUND_TRIPS, 240)
    ada.order("sma_cross", "10")
    ada.give("halts", {"scope": "deployment", "scope_id": "rsi_reversion", "reason": "spreads look wrong"})
    ada.order("rsi_reversion", "5", "SAMPLE:MSFT")
    ada.give("halts/resume", {"scope": "deployment", "scope_id": "rsi_reversion", "reason": "checked with the venue"})


def of_the_gateway(shown: Platform) -> None:
    with shown.stranger(color_scheme="dark") as page:
        page.goto(f"{shown.base}login")
        take(page, "login")
    for name in ("home", "account", "second-factor"):
        with shown.page("ada", shown.base + name.removeprefix("home")) as page:
            take(page, name)


def of_the_monitor(shown: Platform, ada: Person) -> None:
    for name in PAGES:
        with shown.monitor("ada", f"{name}?deployment=sma_cross" if name in ONE else name) as page:
            take(page, name)
    for name in ("overview", "risk"):
        with shown.monitor("ada", name, PHONE) as page:
            take(page, f"{name}-phone")
    ada.give("me", {"language": "de", "theme": "light"}, "PATCH")
    for name in ("overview", "analytics"):
        with shown.monitor("ada", name) as page:
            take(page, f"{name}-de-light")
    ada.give("me", {"language": "zh"}, "PATCH")
    with shown.monitor("ada", "overview") as page:
        take(page, "overview-zh-light")
    ada.give("me", {"language": "en", "theme": "dark"}, "PATCH")


def of_the_trader_app(shown: Platform) -> None:
    with shown.trader("ada") as page:
        take(page, "trader")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        take(page, "trader-phone")


def of_jupyterlab(shown: Platform) -> None:
    with shown.lab("ada", "strategies/rsi_reversion.ipynb") as page:
        screens.show_side_bar(page)
        page.locator('[data-deployment="sma_cross"]').wait_for()
        page.locator(PROMOTE).wait_for()
        take(page, "lab")
        page.locator(PROMOTE).click()
        page.get_by_role("dialog").get_by_label("period").wait_for()
        take(page, "lab-promote")


def take(page: Page, name: str) -> None:
    """A picture of what the window shows, once it is drawn: with few colours, so that it stays small."""
    page.wait_for_load_state("networkidle")
    file = ALL / f"{name}.png"
    picture = Image.open(io.BytesIO(_drawn(page))).convert("RGB")
    for colours in (256, 128, 64, 32):
        picture.quantize(colours, dither=Image.Dither.NONE).save(file, optimize=True)
        if file.stat().st_size < LARGEST:
            break
    if name in CHOSEN:
        shutil.copy(file, BEST / file.name)


def _drawn(page: Page) -> bytes:
    """The picture that does not change any more; charts are drawn some frames after their data came."""
    page.wait_for_timeout(3000)
    shot = page.screenshot()
    for _ in range(STEADY_TRIES):
        page.wait_for_timeout(1000)
        before, shot = shot, page.screenshot()
        if before == shot:
            break
    return shot


if __name__ == "__main__":
    main()
