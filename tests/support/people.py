"""People of a running platform: their accounts, and what they ask the API for with a token of their own."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp

PASSPHRASE = "a long enough passphrase"


def eventually(what: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true value of ``what``, asked for again and again."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
    return found


@dataclass(frozen=True)
class Answer:
    """What the API answered; ``body`` is its JSON."""

    status: int
    body: Any


@dataclass(frozen=True)
class Person:
    """Somebody with an account. ``token`` lives as long as the login that it was taken from."""

    user: str
    base: str
    token: str

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask ``/api/v1/<path>``, whatever is answered."""
        return _ask(method, f"{self.base}api/v1/{path}", body, {"Authorization": f"Bearer {self.token}"})

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a read; it must succeed."""
        answer = self.ask("GET", f"{path}?{urlencode(query, doseq=True)}")
        assert answer.status == 200, answer
        return answer.body

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(path, **query)["items"]
        return found

    def give(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """The answer to a command; it must succeed."""
        answer = self.ask(method, path, body)
        assert answer.status in {200, 201, 202}, answer
        return answer.body

    def deployment(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"deployments/{name}")
        return found

    def promote(self, notebook: str, **more: Any) -> str:
        """Name of the deployment that a promotion ended in, as soon as it runs."""
        operation = self.give("promotions", {"notebook": notebook, **more})["operation_id"]
        done = eventually(lambda: _ended(self.get(f"operations/{operation}")), 180)
        assert done["state"] == "done", done
        name: str = done["result"]["deployment"]
        eventually(lambda: self.deployment(name)["state"] == "running", 120)
        return name

    def order(self, deployment: str, quantity: str, instrument: str = "SAMPLE:AAPL") -> dict[str, Any]:
        """What becomes of a manual order to buy."""
        ticket = {"deployment": deployment, "instrument": instrument, "side": "buy", "quantity": quantity}
        result: dict[str, Any] = self.give("orders", ticket)
        return result


def first_admin(base: str, setup_link: str, user: str = "ada") -> Person:
    """The first admin, with the second factor that admins need, made over HTTP."""
    person = _redeemed(base, setup_link, user)
    secret = person.give("me/second-factor")["secret"]
    person.give("me/second-factor", {"code": pyotp.TOTP(secret).now()}, "PUT")
    return _lasting(person)


def invited(admin: Person, user: str, role: str) -> Person:
    """A person whom ``admin`` invited, and who chose their password."""
    made = admin.give("users", {"user": user, "name": user.title(), "role": role})
    return _lasting(_redeemed(admin.base, made["link"], user))


def _redeemed(base: str, link: str, user: str) -> Person:
    token = parse_qs(urlsplit(link).query)["token"][0]
    answer = _ask("POST", f"{base}api/v1/setup", {"token": token, "user": user, "password": PASSPHRASE}, {})
    assert answer.status == 200, answer
    return Person(user, base, answer.body["access_token"])


def _lasting(person: Person) -> Person:
    """An access token lives minutes; a delegated one lasts for these tests."""
    return Person(person.user, person.base, person.give("session/delegate")["access_token"])


def _ended(operation: dict[str, Any]) -> dict[str, Any] | None:
    return operation if operation["state"] in {"done", "failed"} else None


def _ask(method: str, url: str, body: Any, headers: dict[str, str]) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, json.loads(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, json.loads(error.read()))
