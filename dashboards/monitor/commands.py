"""Commands that ask before they act."""

from collections.abc import Awaitable, Callable
from html import escape

import panel as pn

from .page import button, pane, row, stack
from .screen import Screen


class Confirm:
    """A button that shows what it will do, and does it after a second one was pressed.

    ``question`` is asked when the first button is pressed, so that it can name what is chosen then. ``view`` is all of
    it; in a row of commands ``press`` stands beside the others and ``box`` below them.
    """

    def __init__(
        self, screen: Screen, name: str, question: Callable[[], str], action: Callable[[], Awaitable[object]],
        kind: str = "danger",
    ) -> None:  # fmt: skip
        self._question = question
        self._action = action
        self._shown = True
        self.press = button(name, kind)
        self._yes = button(screen.t("confirm.yes"), kind)
        self._no = button(screen.t("confirm.no"))
        self._text = pane()
        self.box = pn.Column(
            self._text, row(self._yes, self._no), visible=False, margin=0, sizing_mode="stretch_width", max_width=560
        )
        self.press.on_click(self._open)
        self._no.on_click(self._close)
        self._yes.on_click(self._run)
        self.view = stack(self.press, self.box)

    def enable(self, *, enabled: bool) -> None:
        """Whether it can be pressed."""
        self.press.disabled = not enabled

    def show(self, *, shown: bool) -> None:
        """Whether it is there at all. A question that stands open is taken back with it."""
        self._shown = shown
        self.box.visible = self.box.visible and shown
        self.press.visible = shown and not self.box.visible

    def reset(self) -> None:
        """Take the question back."""
        self._close()

    def _open(self, _event: object) -> None:
        self._text.object = f'<div class="notice warn" role="alert">{escape(self._question())}</div>'
        self.box.visible, self.press.visible = True, False

    def _close(self, _event: object = None) -> None:
        self.box.visible, self.press.visible = False, self._shown

    async def _run(self, _event: object) -> None:
        self._yes.disabled = True
        try:
            await self._action()
        finally:
            self._yes.disabled = False
            self._close()


def command_row(*commands: Confirm | pn.widgets.Button) -> pn.viewable.Viewable:
    """Commands beside each other, wrapping where there is no room; the question of one stands below them."""
    buttons = [one.press if isinstance(one, Confirm) else one for one in commands]
    return stack(row(*buttons), *(one.box for one in commands if isinstance(one, Confirm)))
