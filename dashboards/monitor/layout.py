"""The frame of every page: header, navigation, selection, and whether what is shown is live."""

from pathlib import Path
from typing import Any, ClassVar

import panel as pn

from .html import badge
from .screen import Screen
from .style import ASSETS, page_sheet, sheet

ACCENTS = {True: "#6cb0ff", False: "#0b5cbd"}


class Frame(pn.template.FastListTemplate):
    """FastListTemplate with markup of our own: landmarks, a skip link, buttons that a keyboard reaches."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]

    _template: ClassVar[Path] = ASSETS / "page.html"

    def add_variable(self, name: str, value: object) -> None:
        """A value that the markup shows."""
        self._render_variables[name] = value


def navigation(screen: Screen, pages: list[str], current: str) -> str:
    """Links to the pages; they keep the selection."""
    query = screen.selection.query()
    links = "".join(
        f'<a href="./{name}{query}"{" aria-current=page" if name == current else ""}>{screen.t("page." + name)}</a>'
        for name in pages
    )
    return f'<nav class="pages" aria-label="{screen.t("frame.pages")}">{links}</nav>'


def live_badge(screen: Screen) -> str:
    """Whether the stream of events stands."""
    if screen.feed.live:
        return f'<span class="status good" role="status">{screen.t("frame.live")}</span>'
    return f'<span class="status warn" role="status">{screen.t("frame.not_live")}</span>'


def frame(screen: Screen, current: str, *, side: list[pn.viewable.Viewable], top: list[pn.viewable.Viewable]) -> Frame:
    """A page without its content; ``side`` goes into the side bar, ``top`` into the header."""
    t = screen.t
    made = Frame(
        title=f"{t('page.' + current)} · Millstream",
        site="",
        theme="dark" if screen.dark else "default",
        theme_toggle=False,
        main_layout=None,
        accent_base_color=ACCENTS[screen.dark],
        background_color="#0e1318" if screen.dark else "#f3f5f8",
        font="system-ui, sans-serif",
        font_url="",
        busy_indicator=None,
        raw_css=[page_sheet()],
        sidebar=side,
        header=top,
        meta_viewport="width=device-width, initial-scale=1",
    )
    made.add_variable("language", t.language)
    made.add_variable("palette", "dark" if screen.dark else "light")
    made.add_variable("home", f"./overview{screen.selection.query()}")
    made.add_variable(
        "texts",
        {
            "skip": t("frame.skip"),
            "menu": t("frame.menu"),
            "title": t("page." + current),
            "lost": t("frame.lost"),
            "reload": t("frame.reload"),
        },
    )
    return made


def who(screen: Screen) -> pn.pane.HTML:
    """The viewer's name and role, for the header."""
    role = badge(screen.t.of("role", screen.me.role))
    return pn.pane.HTML(f'<span class="who">{role}</span>', stylesheets=[sheet()], margin=0)
