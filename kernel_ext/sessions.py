"""Jupyter's sessions (a notebook with its kernel), each person's apart: two people may open the same notebook."""

from typing import Any

from jupyter_server.services.sessions.sessionmanager import SessionManager
from tornado import web

from .kernels import PersonKernels, asking


class PersonSessions(SessionManager):
    """Jupyter's session manager, which shows each person the sessions of their own kernels only."""

    async def list_sessions(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = await super().list_sessions()  # type: ignore[no-untyped-call] # jupyter_server's
        return [session for session in listed if self._own(session["kernel"]["id"])]

    async def session_exists(self, path: str) -> bool:
        return any(session["path"] == path for session in await self.list_sessions())

    async def get_session(self, **kwargs: Any) -> dict[str, Any]:
        if set(kwargs) == {"path"}:
            own = [session for session in await self.list_sessions() if session["path"] == kwargs["path"]]
            if own:
                return own[0]
            raise web.HTTPError(404, f"Session not found: path={kwargs['path']!r}")
        session: dict[str, Any] = await super().get_session(**kwargs)  # type: ignore[no-untyped-call] # jupyter_server's
        if not self._own(session["kernel"]["id"]):
            raise web.HTTPError(404, "Session not found")
        return session

    def _own(self, kernel_id: str) -> bool:
        asked, kernels = asking(), self.kernel_manager
        return (
            asked is not None
            and isinstance(kernels, PersonKernels)
            and kernels.owner_of(kernel_id) == asked[0].username
        )
