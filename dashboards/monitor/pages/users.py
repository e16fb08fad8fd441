"""People: who has an account, invitations, roles and the portfolios that they may see."""

import panel as pn

from millstream.client import AsyncClient
from millstream.contracts.api.identity import Permission, Role, User

from ..commands import Confirm, command_row
from ..listing import Listing
from ..page import Page, button, card, row, stack, typed
from ..pager import BY_NAME, parts
from ..rows import USERS, Rows
from ..screen import Screen
from ..style import sheet

SHOWN = 50


class Users(Page):
    """For admins. A link of an invitation is shown once."""

    name = "users"
    topics = frozenset[str]()
    permission = Permission.USERS

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        self._people: dict[str, User] = {}
        nothing = (t("users.none"), t("users.none_next"), "")
        self._list = Listing(screen, USERS, Rows(t, self.f).user, nothing, self.again, size=SHOWN, words=BY_NAME)
        style = {"stylesheets": [sheet()], "width": 220, "margin": (4, 10, 4, 0)}
        roles = {t.of("role", role): role.value for role in Role}
        self._user = pn.widgets.TextInput(label=t("col.user"), **style)
        self._name = pn.widgets.TextInput(label=t("col.name"), **style)
        self._role = pn.widgets.Select(label=t("col.role"), options=roles, **style)
        self._portfolios = pn.widgets.MultiChoice(
            label=t("col.portfolios"), options=[], placeholder=t("users.all_portfolios"), **style
        )
        self._invite = button(t("users.invite"), "primary")
        self._invite.on_click(self._do_invite)
        self._who = pn.widgets.Select(label=t("users.which"), options=[], **style)
        self._who.param.watch(self._chosen, "value")
        self._new_role = pn.widgets.Select(label=t("col.role"), options=roles, **style)
        self._new_portfolios = pn.widgets.MultiChoice(
            label=t("col.portfolios"), options=[], placeholder=t("users.all_portfolios"), **style
        )
        answers = {t("word.yes"): True, t("word.no"): False}
        self._active = pn.widgets.Select(label=t("users.is_active"), options=answers, value=True, **style)
        self._change = button(t("users.change"), "primary")
        self._change.on_click(self._do_change)
        self._reset = Confirm(screen, t("users.reset"), self._reset_question, self._do_reset)

    def view(self) -> pn.viewable.Viewable:
        t = self.t
        return stack(
            self._list.view,
            card(
                row(self._user, self._name, self._role, self._portfolios), self._invite, title=t("users.invite_title")
            ),
            card(
                row(self._who, self._new_role, self._new_portfolios, self._active),
                command_row(self._change, self._reset),
                title=t("users.change_title"),
            ),
        )  # fmt: skip

    async def load(self) -> None:
        # Read as this admin: others who see the same portfolios may not list people.
        people = await self.screen.own(_everybody)
        self._people = {user.user: user for user in people}
        await self._list.load(parts(people))
        portfolios = sorted({one.portfolio for one in self.screen.deployments})
        self._portfolios.options = portfolios
        self._new_portfolios.options = sorted({*portfolios, *(name for user in people for name in user.portfolios)})
        if self._who.options != list(self._people):
            self._who.options = list(self._people)
            self._fill()

    def _chosen(self, _event: object) -> None:
        self._fill()

    def _fill(self) -> None:
        user = self._people.get(self._who.value or "")
        if user is not None:
            self._new_role.value = user.role.value
            self._new_portfolios.value = list(user.portfolios)
            self._active.value = user.active

    async def _do_invite(self, _event: object) -> None:
        invited = await self.screen.command(
            lambda client: client.invite_user(
                user=typed(self._user), name=typed(self._name), role=Role(self._role.value),
                portfolios=tuple(self._portfolios.value),
            ),
            self.t("users.invited", user=self._user.value),
        )  # fmt: skip
        if invited is not None:
            self.screen.notices.secret(self.t("users.link"), invited.link)
            self._user.value = self._name.value = ""
            await self.again()

    async def _do_change(self, _event: object) -> None:
        name = self._who.value
        await self.screen.command(
            lambda client: client.change_user(
                name, role=Role(self._new_role.value), portfolios=tuple(self._new_portfolios.value),
                active=bool(self._active.value),
            ),
            self.t("users.changed", user=name),
        )  # fmt: skip
        await self.again()

    def _reset_question(self) -> str:
        return self.t("users.reset_question", user=self._who.value)

    async def _do_reset(self) -> None:
        reset = await self.screen.command(
            lambda client: client.reset_user(user=self._who.value), self.t("users.was_reset", user=self._who.value)
        )
        if reset is not None:
            self.screen.notices.secret(self.t("users.link"), reset.link)


async def _everybody(client: AsyncClient) -> list[User]:
    return [user async for user in client.iterate(client.list_users)]
