"""The style sheets of the monitor: one for the page, one that goes into the shadow root of each component."""

from functools import cache
from importlib.resources import files
from pathlib import Path

ASSETS = Path(str(files(__package__).joinpath("assets")))


@cache
def sheet() -> str:
    """For components: cards, tables, notices, badges. Colours come from the page's custom properties."""
    return (ASSETS / "components.css").read_text(encoding="utf-8")


@cache
def page_sheet() -> str:
    """For the page: palette, header, side bar."""
    return (ASSETS / "page.css").read_text(encoding="utf-8")
