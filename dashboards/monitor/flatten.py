"""Flattening: close a position, or everything of a deployment, after a question."""

from collections.abc import Awaitable, Callable, Sequence

import panel as pn

from millstream.client import AsyncClient
from millstream.contracts.api.trading import FlattenResult, Position
from millstream.contracts.errors import ConflictError

from .commands import Confirm
from .page import card
from .screen import Screen
from .style import sheet

Choice = tuple[str, str]


class FlattenForm:
    """A choice among what is held, and the button. ``done`` loads the page."""

    def __init__(self, screen: Screen, done: Callable[[], Awaitable[None]]) -> None:
        t = screen.t
        self._screen = screen
        self._done = done
        self._asked: tuple[Choice, str] | None = None
        self._what = pn.widgets.Select(
            label=t("flatten.what"), options={}, stylesheets=[sheet()], max_width=460, sizing_mode="stretch_width",
            margin=(4, 0, 4, 0),
        )  # fmt: skip
        self._flatten = Confirm(screen, t("flatten.do"), self._question, self._do_flatten)
        self.view = card(self._what, self._flatten.view, title=t("flatten.title"))
        self.view.visible = False

    def show(self, positions: Sequence[Position]) -> None:
        """Offer these positions, and each deployment that holds several of them."""
        t, f = self._screen.t, self._screen.f
        options: dict[str, Choice] = {}
        for one in positions:
            held = f.quantity(one.quantity, one.instrument, signed=True)
            options[f"{one.deployment} · {one.instrument} · {held}"] = (one.deployment, one.instrument)
        owners = [one.deployment for one in positions]
        for name in dict.fromkeys(name for name in owners if owners.count(name) > 1):
            options[t("flatten.all_of", deployment=name, count=owners.count(name))] = (name, "")
        self.view.visible = bool(options)
        if self._what.options != options:
            kept = self._what.value if self._what.value in options.values() else next(iter(options.values()), None)
            self._what.param.update(options=options, value=kept)

    def _named(self) -> str:
        return next((name for name, choice in self._what.options.items() if choice == self._what.value), "")

    def _question(self) -> str:
        # What was asked about is what is closed, though the list moves on meanwhile.
        self._asked = self._what.value, self._named()
        return self._screen.t("flatten.question", what=self._asked[1])

    async def _do_flatten(self) -> None:
        if self._asked is None or self._asked[0] is None:
            return
        ((deployment, instrument), what), t = self._asked, self._screen.t

        async def act(client: AsyncClient) -> FlattenResult:
            result = await client.flatten(deployment=deployment, instrument=instrument, confirm=True)
            refused = [f"{one.rejection.code}: {one.rejection.message}" for one in result.closing if one.rejection]
            if refused:
                raise ConflictError(t("flatten.refused", reasons="; ".join(refused)), hint=t("flatten.refused_hint"))
            return result

        await self._screen.command(act, t("flatten.sent", what=what))
        await self._done()
