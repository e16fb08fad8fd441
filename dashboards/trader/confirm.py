"""The question before a command that cannot be taken back: it stands above the desk until it is answered."""

from collections.abc import Callable
from html import escape

import ipywidgets

from .texts import Texts


class Confirm:
    """Asks one question at a time; a new one replaces the old one."""

    def __init__(self, texts: Texts) -> None:
        self._t = texts
        self._act: Callable[[str], None] = _nothing
        self._needs_reason = False
        self._question = ipywidgets.HTML()
        self._fault = ipywidgets.HTML()
        self._reason = ipywidgets.Text(
            placeholder=texts("reason"), description="", layout={"width": "min(100%, 420px)"}
        )
        self._reason.add_class("ms-reason")
        self._yes = ipywidgets.Button(description=texts("confirm"), layout={"width": "auto"})
        self._no = ipywidgets.Button(description=texts("dismiss"), layout={"width": "auto"})
        for kind in ("ms-button", "ms-danger"):
            self._yes.add_class(kind)
        self._no.add_class("ms-button")
        self._yes.on_click(lambda _: self._confirmed())
        self._no.on_click(lambda _: self.close())
        buttons = ipywidgets.HBox([self._yes, self._no])
        self.view = ipywidgets.VBox([self._question, self._reason, self._fault, buttons])
        self.view.add_class("ms-confirm")
        self.close()

    def ask(self, question: str, act: Callable[[], None]) -> None:
        """Ask; ``act`` runs when it is confirmed."""
        self._open(question, lambda _: act(), needs_reason=False)

    def ask_why(self, question: str, act: Callable[[str], None]) -> None:
        """Ask for a reason too; ``act`` gets it."""
        self._open(question, act, needs_reason=True)

    def close(self) -> None:
        """Take the question away, unanswered."""
        self._act = _nothing
        self.view.layout.display = "none"

    def _open(self, question: str, act: Callable[[str], None], *, needs_reason: bool) -> None:
        self._act, self._needs_reason = act, needs_reason
        self._question.value = f'<div role="alertdialog" aria-live="assertive">{escape(question)}</div>'
        self._reason.value = self._fault.value = ""
        self._reason.layout.display = "" if needs_reason else "none"
        self.view.layout.display = ""
        (self._reason if needs_reason else self._no).focus()

    def _confirmed(self) -> None:
        reason = self._reason.value.strip()
        if self._needs_reason and not reason:
            self._fault.value = f'<span class="bad">{escape(self._t("reason.needed"))}</span>'
            return
        act = self._act
        self.close()
        act(reason)


def _nothing(_: str) -> None:
    """What an unasked question does."""
