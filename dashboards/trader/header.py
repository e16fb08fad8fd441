"""The top of the desk: who is here, whether it is live, and which kind of account is shown."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape

import ipywidgets

from millstream_dashboards.monitor.html import badge

from .book import Book
from .screen import Screen, column, html, line, put

TARGETS = ("paper", "live")


class Header:
    """Title, viewer, link, account type. ``chosen`` is called when another account type is."""

    def __init__(self, screen: Screen, chosen: Callable[[], None]) -> None:
        self._screen = screen
        self._linked = False
        self._top = html("", "ms-top")
        self._banner = html("", "ms-banner")
        t = screen.t
        self._target = ipywidgets.ToggleButtons(
            options=[(t(f"target.{name}"), name) for name in TARGETS],
            value=screen.target,
            tooltips=[t(f"target.{name}.note") for name in TARGETS],
            style={"button_width": "auto"},
        )
        self._target.add_class("ms-target")
        self._target.observe(lambda change: self._choose(change["new"], chosen), names="value")
        self.view = column([self._top, line([self._target, self._banner])], "ms-header")
        self._draw()

    def link(self, linked: bool) -> None:  # noqa: FBT001 - the client's callback
        """Show whether changes arrive."""
        self._linked = linked
        self._draw()

    def show(self, _: Book) -> None:
        self._draw()

    def _choose(self, target: str, chosen: Callable[[], None]) -> None:
        self._screen.target = target
        self._screen.confirm.close()
        chosen()

    def _draw(self) -> None:
        screen, t = self._screen, self._screen.t
        link, tone = ("link.live", "good") if self._linked else ("link.lost", "warn")
        who = f"{screen.me.name or screen.me.user} · {t.of('role', screen.me.role.value)}"
        updated = t("updated", time=screen.f.time(datetime.fromtimestamp(screen.clock.now() / 1e9, UTC)))
        put(
            self._top,
            f"<h1>Millstream · {escape(t('title'))}</h1>"
            f'<span class="status {tone}" role="status">{escape(t(link))}</span>'
            f'<span class="muted">{escape(updated)}</span><span class="who">{escape(who)}</span>'
            f'<a href="/logout">{escape(t("log_out"))}</a>',
        )
        note = badge(t(f"target.{screen.target}"), "live" if screen.target == "live" else "")
        watching = "" if screen.acts else f'<span class="muted">{escape(t("watching"))}</span>'
        put(self._banner, f"{note} {escape(t(f'target.{screen.target}.note'))} {watching}")
