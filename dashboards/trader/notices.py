"""What became of commands: the newest few messages, read out by screen readers."""

from html import escape

import ipywidgets

from millstream.contracts.errors import MillstreamError

KEPT = 4


class Notices:
    """A list of messages, newest first."""

    def __init__(self) -> None:
        self._messages: list[str] = []
        self.view = ipywidgets.HTML()

    def say(self, text: str, tone: str, hint: str = "") -> None:
        """Show ``text``; ``tone`` is good, warn or bad."""
        more = f'<div class="hint">{escape(hint)}</div>' if hint else ""
        role = "alert" if tone == "bad" else "status"
        self._messages.insert(0, f'<div class="notice {tone}" role="{role}">{escape(text)}{more}</div>')
        del self._messages[KEPT:]
        self.view.value = "".join(self._messages)

    def problem(self, error: MillstreamError) -> None:
        """Show an error, and what to do about it."""
        self.say(str(error), "bad", error.hint)
