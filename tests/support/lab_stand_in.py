"""A Jupyter server extension in the place of Millstream's: it answers what a test told it and notes the commands.

A test speaks to it at ``/stand-in``: PATCH replaces parts of what is answered, GET gives the commands so far.
"""

import hashlib
import json
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

PROBLEM = {"type": "about:blank", "title": "No", "status": 500, "detail": "", "code": "NO", "hint": "", "faults": []}


class World:
    """``answers`` by path, ``refusals`` (problems) by path, and the ``commands`` that came."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.refusals: dict[str, dict[str, Any]] = {}
        self.commands: list[dict[str, Any]] = []
        self.reads: list[tuple[str, int]] = []


class _Handler(APIHandler):
    @property
    def world(self) -> World:
        world: World = self.settings["stand_in"]
        return world

    def refuse(self, problem: dict[str, Any]) -> None:
        if "bare" in problem:
            raise web.HTTPError(problem["status"])  # as the Jupyter server itself refuses
        self.set_status(problem["status"])
        self.set_header("Content-Type", "application/problem+json")
        self.finish(json.dumps(PROBLEM | problem))


class Answers(_Handler):
    """``/millstream/api/…``."""

    @web.authenticated
    def get(self, path: str) -> None:
        if path in self.world.refusals:
            self.refuse(self.world.refusals[path])
            return
        if path not in self.world.answers:
            self.refuse({"status": 404, "code": "NOT_FOUND", "title": f"there is no {path}"})
            return
        answer = self.world.answers[path]
        body = answer if isinstance(answer, str) else json.dumps(answer)
        tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
        self.set_header("ETag", tag)
        if self.request.headers.get("If-None-Match") == tag:
            self.set_status(304)
            self.finish()
        else:
            self.finish(body)
        self.world.reads.append((path, self.get_status()))

    @web.authenticated
    def post(self, path: str) -> None:
        key = self.request.headers.get("Idempotency-Key", "")
        command = {"path": path, "body": json.loads(self.request.body or b"null"), "key": key}
        self.world.commands.append(command)
        if path in self.world.refusals:
            self.refuse(self.world.refusals[path])
            return
        self.finish(json.dumps(self.world.answers.get(f"POST {path}", {"done": True})))


class Control(_Handler):
    """``/stand-in``."""

    @web.authenticated
    def get(self) -> None:
        self.finish(json.dumps({"commands": self.world.commands, "reads": self.world.reads}))

    @web.authenticated
    def patch(self) -> None:
        given = json.loads(self.request.body)
        if given.get("reset"):
            self.world.__init__()  # type: ignore[misc]
        self.world.answers.update(given.get("answers", {}))
        self.world.refusals.update(given.get("refusals", {}))
        for path in given.get("accept", ()):
            self.world.refusals.pop(path, None)
        self.finish({})


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "lab_stand_in"}]


def _load_jupyter_server_extension(app: Any) -> None:
    app.web_app.settings["stand_in"] = World()
    base = app.web_app.settings["base_url"]
    app.web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base, "millstream", "api", r"(?:v1/)?(.+)"), Answers),
            (url_path_join(base, "stand-in"), Control),
        ],
    )
