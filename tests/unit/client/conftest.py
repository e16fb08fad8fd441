import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from millstream.client import AsyncClient

ME = {"user": "ann", "name": "Ann", "role": "viewer", "permissions": ["self", "read"]}
Answer = httpx.Response | Exception


class Script:
    """A gateway that gives prepared answers, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer | Callable[[httpx.Request], Answer]] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        found = answer(request) if callable(answer) else answer
        if isinstance(found, Exception):
            raise found
        return found

    def client(self, token: str | None = "t", **options: Any) -> AsyncClient:
        transport = httpx.MockTransport(self)
        return AsyncClient("http://gateway/", token, waits=(0.0, 0.0), transport=transport, **options)

    def keys(self) -> list[str]:
        return [request.headers.get("Idempotency-Key", "") for request in self.requests]


def answer(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(
        status, content=json.dumps(body), headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def problem(status: int, code: str, detail: str = "", hint: str = "", **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    body = {"title": code.title(), "status": status, "code": code, "detail": detail, "hint": hint, **more}
    return httpx.Response(status, content=json.dumps(body), headers=headers)


@pytest.fixture
def script() -> Script:
    return Script()
