"""Settings of the viewer: language, time zone, theme, where they are logged in, and their API keys."""

from html import escape
from zoneinfo import available_timezones

import panel as pn

from millstream.client import AsyncClient
from millstream.contracts.api.identity import ApiKey, LoginSession, Permission

from ...i18n import LANGUAGES
from ..commands import Confirm
from ..html import badge, empty, table
from ..page import Page, button, card, pane, row, stack, typed
from ..screen import Screen
from ..style import sheet


class Settings(Page):
    """Only the viewer's own things: everybody has this page."""

    name = "settings"
    topics = frozenset[str]()
    permission = Permission.SELF

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t, me = self.t, screen.me
        style = {"stylesheets": [sheet()], "width": 240, "margin": (4, 10, 4, 0)}
        languages = {name: code for code, name in LANGUAGES.items()}
        themes = {t("theme.dark"): "dark", t("theme.light"): "light"}
        zones = sorted(available_timezones() | {"UTC", me.time_zone})
        self._language = pn.widgets.Select(label=t("settings.language"), options=languages, value=t.language, **style)
        self._zone = pn.widgets.Select(label=t("settings.time_zone"), options=zones, value=me.time_zone, **style)
        self._theme = pn.widgets.Select(label=t("settings.theme"), options=themes, value=me.theme, **style)
        self._save = button(t("settings.save"), "primary")
        self._save.on_click(self._do_save)
        self._keys, self._sessions = pane(), pane()
        self._key_name = pn.widgets.TextInput(label=t("keys.name"), **style)
        self._scopes = pn.widgets.MultiChoice(
            label=t("keys.scopes"), options={t.of("permission", p): p.value for p in me.permissions}, **style
        )
        self._days = pn.widgets.Select(label=t("keys.days"), options=[7, 30, 90, 180, 366], value=90, **style)
        self._create = button(t("keys.create"), "primary")
        self._create.on_click(self._do_create)
        self._key = pn.widgets.Select(label=t("keys.which"), options={}, **style)
        self._revoke = Confirm(screen, t("keys.revoke"), self._revoke_question, self._do_revoke)
        self._leave = Confirm(
            screen, t("settings.everywhere"), lambda: t("settings.everywhere_question"), self._do_leave
        )

    def view(self) -> pn.viewable.Viewable:
        t = self.t
        return stack(
            card(row(self._language, self._zone, self._theme), self._save, title=t("settings.title")),
            card(
                self._keys, row(self._key_name, self._scopes, self._days), self._create, self._key, self._revoke.view,
                title=t("keys.title"),
            ),
            card(self._sessions, self._leave.view, title=t("settings.sessions")),
        )  # fmt: skip

    async def load(self) -> None:
        # A person's own keys and sessions are read as that person, never through what others share.
        keys, sessions = await self.screen.own(_own)
        self._keys.object = self._key_table(keys)
        self._sessions.object = self._session_table(sessions)
        options = {key.name: key.key_id for key in keys}
        self._key.visible = self._revoke.view.visible = bool(options)
        if self._key.options != options:
            self._key.options = options

    def _key_table(self, keys: list[ApiKey]) -> str:
        t, f = self.t, self.f
        if not keys:
            return empty(t("keys.none"), t("keys.none_next"))
        titles = [t("keys.name"), t("keys.scopes"), t("col.created"), t("keys.expires"), t("keys.used")]
        rows = [
            [escape(key.name), " ".join(badge(t.of("permission", scope)) for scope in key.scopes),
             escape(f.date(key.created_at)), escape(f.date(key.expires_at)), escape(f.moment(key.last_used))]
            for key in keys
        ]  # fmt: skip
        return table(t("keys.title"), titles, rows)

    def _session_table(self, sessions: list[LoginSession]) -> str:
        t, f = self.t, self.f
        titles = [t("col.created"), t("keys.used"), t("col.address"), t("settings.agent"), ""]
        rows = [
            [escape(f.moment(one.created_at)), escape(f.moment(one.last_used)), escape(one.address),
             escape(one.agent), badge(t("settings.this_one"), "good") if one.current else ""]
            for one in sessions
        ]  # fmt: skip
        return table(t("settings.sessions"), titles, rows)

    async def _do_save(self, _event: object) -> None:
        changed = await self.screen.command(
            lambda client: client.change_me(
                language=self._language.value, time_zone=self._zone.value, theme=self._theme.value
            ),
            self.t("settings.saved"),
        )
        if changed is not None and pn.state.location is not None:
            pn.state.location.reload = True

    async def _do_create(self, _event: object) -> None:
        made = await self.screen.command(
            lambda client: client.create_key(
                name=typed(self._key_name), scopes=tuple(self._scopes.value), days=int(self._days.value or 0)
            ),
            self.t("keys.created"),
        )
        if made is not None:
            self.screen.notices.secret(self.t("keys.shown_once"), made.key)
            self._key_name.value = ""
            await self.again()

    def _revoke_question(self) -> str:
        return self.t(
            "keys.revoke_question", name={v: k for k, v in self._key.options.items()}.get(self._key.value, "")
        )

    async def _do_revoke(self) -> None:
        await self.screen.command(lambda client: client.revoke_key(key_id=self._key.value), self.t("keys.revoked"))
        await self.again()

    async def _do_leave(self) -> None:
        left = await self.screen.command(lambda client: client.logout_everywhere(), self.t("frame.logged_out"))
        if left is not None and pn.state.location is not None:
            pn.state.location.reload = True


async def _own(client: AsyncClient) -> tuple[list[ApiKey], list[LoginSession]]:
    keys = [key async for key in client.iterate(client.list_keys)]
    return keys, [one async for one in client.iterate(client.list_sessions)]
