"""What every part of the desk works with: the viewer, their language, the account type shown, and commands."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Any

import ipywidgets
from ipywidgets.widgets.widget_string import HTMLStyle

from millstream.client import AsyncClient
from millstream.contracts.api.identity import Me, Permission
from millstream.contracts.clock import Clock
from millstream.contracts.errors import MillstreamError
from millstream_dashboards.monitor.formats import Formats

from .confirm import Confirm
from .notices import Notices
from .texts import Texts

Command = Callable[[AsyncClient], Awaitable[str]]


class Screen:
    """One viewer's desk. ``target`` is the kind of account that is shown: ``paper`` or ``live``."""

    def __init__(self, me: Me, client: AsyncClient, changed: Callable[[], None], clock: Clock) -> None:
        self.me = me
        self.clock = clock
        self.t = Texts(me.language)
        self.f = Formats(me.language, me.time_zone)
        self.target = "paper"
        self.notices = Notices()
        self.confirm = Confirm(self.t)
        self._client = client
        self._changed = changed
        self._running: set[asyncio.Task[None]] = set()

    def may(self, permission: Permission) -> bool:
        """Whether the viewer may; what they may not do has no widget at all."""
        return permission in self.me.permissions

    @property
    def acts(self) -> bool:
        """Whether the viewer has any command here."""
        return any(map(self.may, (Permission.TRADE, Permission.HALT, Permission.DEPLOY, Permission.LIMITS)))

    def do(self, command: Command, button: ipywidgets.Button | None = None) -> None:
        """Run ``command`` and show the text it returns, or its error and what to do. The button rests meanwhile."""
        task = asyncio.get_running_loop().create_task(self._do(command, button))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _do(self, command: Command, button: ipywidgets.Button | None) -> None:
        if button is not None:
            button.disabled = True
        try:
            self.notices.say(await command(self._client), "good")
        except RefusedError as refused:
            self.notices.say(str(refused), "bad")
        except MillstreamError as error:
            self.notices.problem(error)
        finally:
            if button is not None:
                button.disabled = False
            self._changed()


class RefusedError(Exception):
    """A command was answered, but not done: the text says why, in the viewer's language."""


@cache
def shared(kind: type[Any], **traits: str) -> Any:
    """One layout or style for every widget that looks so.

    ipywidgets make a layout and a style for each widget, and each of them is a message to the browser and an object
    there, which stays when the widget is closed. Who changes the layout of one widget gives it one of its own.
    """
    return kind(**traits)


def button(text: str, act: Callable[[], Any], *, kind: str = "", label: str = "") -> ipywidgets.Button:
    """A button that calls ``act``; ``kind`` is ``danger`` or ``primary``, ``label`` says more than the text does."""
    looks = {"layout": shared(ipywidgets.Layout, width="auto"), "style": shared(ipywidgets.ButtonStyle)}
    made = _of_kinds(ipywidgets.Button(description=text, tooltip=label or text, **looks), "ms-button")
    if kind:
        made.add_class(f"ms-{kind}")
    made.on_click(lambda _: act())
    return made


def html(value: str = "", *kinds: str) -> ipywidgets.HTML:
    """A piece of HTML; the parts it is made of are escaped already."""
    return _of_kinds(ipywidgets.HTML(value, layout=shared(ipywidgets.Layout), style=shared(HTMLStyle)), *kinds)


def column(children: Iterable[ipywidgets.Widget], *kinds: str) -> ipywidgets.VBox:
    """Widgets below each other."""
    return _of_kinds(ipywidgets.VBox(tuple(children), layout=shared(ipywidgets.Layout)), *kinds)


def line(children: Iterable[ipywidgets.Widget], *kinds: str) -> ipywidgets.HBox:
    """Widgets beside each other."""
    return _of_kinds(ipywidgets.HBox(tuple(children), layout=shared(ipywidgets.Layout)), *kinds)


def _of_kinds(made: Any, *kinds: str) -> Any:
    for kind in kinds:
        made.add_class(kind)
    return made


def put(widget: ipywidgets.HTML, value: str) -> None:
    """Show ``value``; what is shown already is not sent to the browser again."""
    if widget.value != value:
        widget.value = value
