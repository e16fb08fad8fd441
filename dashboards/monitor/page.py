"""What a page is."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import panel as pn

from millstream.contracts.api.identity import Permission

from .html import heading
from .screen import Screen
from .style import sheet


class Page(ABC):
    """One page for one session. ``load`` reads and shows; it is called again when one of ``topics`` changed.

    ``pause`` is the least time between two loads, in seconds. ``permission`` hides the page from who lacks it.
    """

    name: ClassVar[str]
    topics: ClassVar[frozenset[str]] = frozenset()
    pause: ClassVar[float] = 0.5
    permission: ClassVar[Permission] = Permission.READ

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.t = screen.t
        self.f = screen.f

    @abstractmethod
    def view(self) -> pn.viewable.Viewable:
        """The components of the page, once, before anything is known."""

    @abstractmethod
    async def load(self) -> None:
        """Read and show. Raises :class:`MillstreamError`."""

    async def again(self) -> None:
        """Read and show at once; what fails is said."""
        await self.screen.attempt(self.load)

    async def pressed(self, _event: object) -> None:
        """The same, for a button."""
        await self.again()


def pane(html: str = "") -> pn.pane.HTML:
    """A piece of HTML with the style of the monitor."""
    return pn.pane.HTML(html, sizing_mode="stretch_width", stylesheets=[sheet()], margin=0)


def section(title: str, *parts: pn.viewable.Viewable) -> pn.Column:
    """A part of a page under a heading."""
    return pn.Column(pane(heading(title)), *parts, sizing_mode="stretch_width", margin=(14, 0, 0, 0))


def card(*parts: pn.viewable.Viewable, title: str = "") -> pn.Column:
    """Parts in a frame."""
    inside = [pane(heading(title)), *parts] if title else list(parts)
    return pn.Column(
        *inside, sizing_mode="stretch_width", css_classes=["panel-card"], stylesheets=[sheet()], margin=(12, 0, 0, 0)
    )


def stack(*parts: pn.viewable.Viewable) -> pn.Column:
    """Parts below each other."""
    return pn.Column(*parts, sizing_mode="stretch_width", margin=0)


def row(*parts: pn.viewable.Viewable) -> pn.layout.FlexBox:
    """Fields and buttons beside each other, on the same line below; they wrap where there is no room."""
    return pn.layout.FlexBox(*parts, align_items="flex-end", margin=(0, 0, 4, 0))


def beside(*parts: pn.viewable.Viewable, least: int = 360) -> pn.layout.FlexBox:
    """Parts beside each other where there is room for ``least`` pixels each, else below each other."""
    for part in parts:
        part.styles = {"flex": f"1 1 {least}px", "min-width": f"min({least}px, 100%)"}
    return pn.layout.FlexBox(*parts, gap="12px", sizing_mode="stretch_width", margin=0)


def typed(widget: Any) -> str:
    """What stands in a text field, without blanks around it."""
    return str(widget.value or "").strip()


def button(name: str, kind: str = "quiet", **options: object) -> pn.widgets.Button:
    """A button: ``primary``, ``quiet`` or ``danger``."""
    return pn.widgets.Button(label=name, css_classes=[kind], stylesheets=[sheet()], margin=(4, 8, 4, 0), **options)
