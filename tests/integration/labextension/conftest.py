"""One JupyterLab and one page of it for all of these tests; each test has a world of its own."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Response, expect
from support.browser import chromium, require_chromium, window
from support.labextension import BUNDLE, REPOSITORY, Server, lab, look, run
from support.labextension_world import world

PATIENCE, USUAL = 20_000, 5_000
STRATEGY = REPOSITORY / "strategies" / "sma_cross.ipynb"


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """The bundle of the repository, found through JUPYTER_PATH."""
    require_chromium()
    folder = tmp_path_factory.mktemp("lab")
    home = folder / "share" / "labextensions" / "@millstream"
    home.mkdir(parents=True)
    (home / "lab").symlink_to(BUNDLE)
    with lab(folder, JUPYTER_PATH=str(folder / "share")) as running:
        yield running


@pytest.fixture(scope="package")
def loaded(server: Server) -> Iterator[tuple[Page, list[str]]]:
    """A page with JupyterLab, and the errors that it did not catch. Loading it takes seconds, so it is loaded once.

    It goes with the last test of this folder: the event loop of Playwright stands in the thread as long as the browser,
    and no test here runs a loop of its own.
    """
    server.tell(answers=world())
    errors: list[str] = []
    # A machine that runs other things too may take its time; a test ends as soon as it sees what it waits for.
    expect.set_options(timeout=PATIENCE)
    with chromium() as browser, window(browser) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(f"{error}\n{error.stack}"))
        page.goto(server.url)
        expect(page.locator(".ms-TradingState-item").first).to_be_visible(timeout=90_000)
        yield page, errors
    expect.set_options(timeout=USUAL)


@pytest.fixture
def told(server: Server) -> Server:
    """The stand-in with the usual answers, and a workspace with one strategy."""
    server.tell(reset=True, answers=world())
    shutil.copy(STRATEGY, server.workspace / STRATEGY.name)
    return server


@pytest.fixture
def screen(loaded, told: Server) -> Iterator[Page]:
    """JupyterLab with the side bar open and nothing else; an error that the page did not catch fails the test."""
    page, errors = loaded
    with page.expect_response(polled):
        look(page)
    yield page
    while page.locator(".jp-Dialog").count():
        page.keyboard.press("Escape")
    run(page, "application:close-all")
    # All at once and without looking first: a toast may go by itself in between.
    page.locator(".Toastify__toast .jp-toast-button, .Toastify__close-button").evaluate_all(
        "buttons => buttons.forEach(button => button.click())"
    )
    # JupyterLab has errors of its own, such as when a notebook without a kernel is closed.
    ours = [error for error in errors if "@millstream" in error]
    errors.clear()
    assert ours == []


def polled(answer: Response) -> bool:
    """Whether this is an answer about deployments: changed or not."""
    return answer.status in {200, 304} and "/api/v1/deployments?" in answer.url
