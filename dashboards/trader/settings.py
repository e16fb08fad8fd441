"""Parameters and limits of one deployment on widgets: what is fixed is shown but cannot be changed."""

from html import escape
from typing import Any

import ipywidgets
from ipywidgets.widgets.widget_bool import CheckboxStyle
from ipywidgets.widgets.widget_description import DescriptionStyle
from ipywidgets.widgets.widget_string import TextStyle

from millstream.client import AsyncClient
from millstream.contracts.api.identity import Permission
from millstream.contracts.api.promotion import Deployment
from millstream_dashboards.monitor.html import heading

from .book import Book
from .screen import RefusedError, Screen, button, column, html, shared


class DeploymentSettings:
    """The parameters are the release's, so they are read only; limits are changed by those who may."""

    def __init__(self, screen: Screen) -> None:
        t = screen.t
        self._screen = screen
        self._deployments: dict[str, Deployment] = {}
        self._shown: tuple[Any, ...] = ()
        self._limits: dict[str, ipywidgets.Text] = {}
        self._choice = ipywidgets.Dropdown(description=t("of_deployment"), style={"description_width": "initial"})
        self._choice.layout.width = "100%"
        self._choice.observe(lambda _: self._draw(), names="value")
        self._parameters = column([])
        self._limit_fields = column([])
        self._save = button(t("limits.save"), self._saved)
        self._save.layout = ipywidgets.Layout(width="auto", display="none")
        self.view = column(
            [
                html(heading(t("parameters")) + f'<p class="note">{escape(t("parameters.note"))}</p>'),
                self._choice,
                self._parameters,
                html(heading(t("limits"), level=3)),
                self._limit_fields,
                *([self._save] if screen.may(Permission.LIMITS) else []),
            ],
            "ms-card",
        )

    def show(self, book: Book) -> None:
        self._deployments = {one.deployment: one for one in book.deployments}
        if tuple(self._choice.options) != tuple(self._deployments):
            chosen = self._choice.value
            self._choice.options = tuple(self._deployments)
            self._choice.value = chosen if chosen in self._deployments else next(iter(self._deployments), None)
        self._draw()

    def _draw(self) -> None:
        """Build the fields anew when the deployment, its parameters or its limits are others: not while one types."""
        one = self._deployments.get(self._choice.value or "")
        shown = (one.deployment, one.parameters, one.limits) if one else ()
        if shown == self._shown:
            return
        self._shown = shown
        for box in (self._parameters, self._limit_fields):
            for child in box.children:
                child.close()
        may = self._screen.may(Permission.LIMITS)
        parameters = one.parameters if one else {}
        limits = one.limits if one else {}
        self._parameters.children = [_fixed(name, value) for name, value in parameters.items()] or [self._none()]
        self._limits = {name: _text(name, value, disabled=not may) for name, value in limits.items()}
        self._limit_fields.children = list(self._limits.values())
        self._save.layout.display = "" if may and limits else "none"

    def _none(self) -> ipywidgets.HTML:
        return html(f'<p class="note">{escape(self._screen.t("parameters.none"))}</p>')

    def _saved(self) -> None:
        self._screen.do(self._change, self._save)

    async def _change(self, client: AsyncClient) -> str:
        t, one = self._screen.t, self._deployments[self._choice.value]
        written = {name: field.value.strip() for name, field in self._limits.items()}
        changed = {name: text or None for name, text in written.items() if text != _shown(one.limits[name])}
        if not changed:
            raise RefusedError(t("limits.same"))
        await client.change_deployment(one.deployment, limits=changed)
        return t("limits.saved", deployment=one.deployment)


def _fixed(name: str, value: Any) -> ipywidgets.Widget:
    """The widget of the value's kind, which cannot be changed."""
    if isinstance(value, bool):
        return ipywidgets.Checkbox(value=value, description=name, disabled=True, **_looks(CheckboxStyle))
    if isinstance(value, int):
        return ipywidgets.IntText(value=value, description=name, disabled=True, **_looks(DescriptionStyle))
    if isinstance(value, float):
        return ipywidgets.FloatText(value=value, description=name, disabled=True, **_looks(DescriptionStyle))
    return _text(name, value, disabled=True)


def _text(name: str, value: Any, *, disabled: bool) -> ipywidgets.Text:
    return ipywidgets.Text(value=_shown(value), description=name, disabled=disabled, **_looks(TextStyle))


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _looks(style: Any) -> dict[str, Any]:
    return {"layout": shared(ipywidgets.Layout, width="100%"), "style": shared(style, description_width="180px")}
