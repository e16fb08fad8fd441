"""The selection: one, several or all strategies and deployments, that every figure follows."""

from collections.abc import Awaitable, Callable

import panel as pn

from .html import heading
from .page import pane
from .screen import Screen
from .selection import Selection
from .style import sheet


class Sidebar:
    """Two lists to choose from; nothing chosen means all."""

    def __init__(self, screen: Screen, chosen: Callable[[Selection], Awaitable[None]]) -> None:
        self._screen = screen
        self._chosen = chosen
        t = screen.t
        self._strategies = self._boxes(screen.selection.strategies)
        self._deployments = self._boxes(screen.selection.deployments)
        self.view = pn.Column(
            pane(heading(t("select.title"))),
            pane(self._title(t("select.strategies"), t("select.all_strategies"))),
            self._strategies,
            pane(self._title(t("select.deployments"), t("select.all_deployments"))),
            self._deployments,
            sizing_mode="stretch_width",
            margin=(16, 4, 0, 4),
        )

    @staticmethod
    def _title(name: str, note: str) -> str:
        return heading(name, f'<span class="note">{note}</span>', 3)

    def _boxes(self, value: tuple[str, ...]) -> pn.widgets.CheckBoxGroup:
        widget = pn.widgets.CheckBoxGroup(
            options=list(value), value=list(value), stylesheets=[sheet()], sizing_mode="stretch_width",
            margin=(0, 0, 10, 0), styles={"max-height": "240px", "overflow-y": "auto"},
        )  # fmt: skip
        widget.param.watch(self._changed, "value")
        return widget

    async def load(self) -> None:
        """Read what there is to choose from."""
        await self._screen.selected()
        present = self._screen.deployments
        known = self._screen.selection.known(present)
        self._screen.selection = known
        self._offer(self._strategies, sorted({d.strategy for d in present}), known.strategies)
        of = Selection(known.strategies).of(present)
        self._offer(self._deployments, sorted(d.deployment for d in of), known.deployments)

    @staticmethod
    def _offer(widget: pn.widgets.CheckBoxGroup, options: list[str], value: tuple[str, ...]) -> None:
        if list(widget.options) != options or list(widget.value) != list(value):
            widget.param.update(options=options, value=list(value))

    async def _changed(self, _event: object) -> None:
        chosen = Selection(tuple(self._strategies.value), tuple(self._deployments.value))
        if chosen != self._screen.selection:  # offering what exists changes the boxes too
            await self._chosen(chosen)
