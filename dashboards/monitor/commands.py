"""Commands that ask before they act."""

from collections.abc import Awaitable, Callable
from html import escape

import panel as pn

from .page import button, pane
from .screen import Screen


class Confirm:
    """A button that shows what it will do, and does it after a second one was pressed.

    ``question`` is asked when the first button is pressed, so that it can name what is chosen then.
    """

    def __init__(
        self, screen: Screen, name: str, question: Callable[[], str], action: Callable[[], Awaitable[object]],
        kind: str = "danger",
    ) -> None:  # fmt: skip
        self._question = question
        self._action = action
        self._ask = button(name, kind)
        self._yes = button(screen.t("confirm.yes"), kind)
        self._no = button(screen.t("confirm.no"))
        self._text = pane()
        self._box = pn.Column(
            self._text, pn.Row(self._yes, self._no, margin=0), visible=False, margin=0, styles={"max-width": "560px"}
        )
        self._ask.on_click(self._open)
        self._no.on_click(self._close)
        self._yes.on_click(self._run)
        self.view = pn.Column(self._ask, self._box, margin=0)

    def enable(self, *, enabled: bool, name: str | None = None) -> None:
        """Whether it can be pressed."""
        self._ask.disabled = not enabled
        if name is not None:
            self._ask.label = name

    def _open(self, _event: object) -> None:
        self._text.object = f'<div class="notice warn" role="alert">{escape(self._question())}</div>'
        self._box.visible, self._ask.visible = True, False

    def _close(self, _event: object = None) -> None:
        self._box.visible, self._ask.visible = False, True

    async def _run(self, _event: object) -> None:
        self._yes.disabled = True
        try:
            await self._action()
        finally:
            self._yes.disabled = False
            self._close()
