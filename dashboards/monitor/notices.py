"""What the monitor has to say to its viewer: results of commands, errors with what to do, and whether it is live."""

from html import escape

import panel as pn

from millstream.contracts.errors import MillstreamError

from ..i18n import Translator
from .style import sheet

KEPT = 3


class Notices:
    """A strip above the page. It is read out by screen readers, and stays until its viewer dismisses it."""

    def __init__(self, t: Translator) -> None:
        self._t = t
        self._texts: list[str] = []
        self._pane = pn.pane.HTML("", sizing_mode="stretch_width", stylesheets=[sheet()], margin=0)
        self._dismiss = pn.widgets.Button(
            label=t("notice.dismiss"), visible=False, margin=(0, 0, 8, 0), stylesheets=[sheet()], css_classes=["quiet"]
        )
        self._dismiss.on_click(self._clear)
        self.view = pn.Column(self._pane, self._dismiss, sizing_mode="stretch_width", margin=0)

    def error(self, error: MillstreamError) -> None:
        """Show an error: what was wrong and what to do."""
        hint = f'<div class="hint">{escape(error.hint)}</div>' if error.hint else ""
        self._show(f'<div class="notice bad" role="alert"><b>{escape(str(error))}</b>{hint}</div>')

    def done(self, text: str) -> None:
        """Say that a command took effect."""
        self._show(f'<div class="notice good" role="status">{escape(text)}</div>')

    def secret(self, text: str, value: str) -> None:
        """Show something that is shown once."""
        shown = f'<code class="secret">{escape(value)}</code>'
        self._show(f'<div class="notice good" role="status">{escape(text)}<br>{shown}</div>')

    def _show(self, html: str) -> None:
        if self._texts and self._texts[-1] == html:
            return
        self._texts = [*self._texts, html][-KEPT:]
        self._update()

    def _clear(self, _event: object) -> None:
        self._texts = []
        self._update()

    def _update(self) -> None:
        self._pane.object = "".join(self._texts)
        self._dismiss.visible = bool(self._texts)
