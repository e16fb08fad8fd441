"""Made-up requests to every route as every role: no answer is a server's error, and none is undeclared."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from argon2 import PasswordHasher
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.gateway import BASE, GatewayApp, gateway_app
from support.strategies import cross, save

from millstream.contracts.api.identity import Role
from millstream.gateway.auth.passwords import Passwords
from millstream.gateway.live import serving
from millstream.market.candles import load
from millstream.market.instruments import register
from millstream.market.sample import sample_frame, sample_instrument
from millstream.market.sessions import create_replay
from millstream.promotion.deploy import DeployRequest, deploy
from millstream.promotion.registry import get_release
from millstream.store.database import connect_sync

SEED = 20_120_301
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# An event stream has no end: tests/integration/gateway/test_live_*.py has it.
ENDLESS = {"events"}
KNOWN = {"deployment": "dep", "key": "SAMPLE:AAPL", "ref": "cross@1", "portfolio": "dep", "epoch": 1}
QUIET = settings(
    max_examples=2,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
async def app(gateway_database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[GatewayApp]:
    save(cross(), tmp_path / "cross.ipynb")
    with connect_sync(gateway_database) as conn:
        register(conn, sample_instrument("AAPL"))
        load(conn, "SAMPLE:AAPL", "1d", sample_frame("AAPL").iloc[-50:], source="test")
        create_replay(conn, ["SAMPLE:AAPL"], "1d", session_id="replay-1")
        conn.execute(
            "INSERT INTO releases VALUES ('cross', 1, repeat('a', 64), 'Cross', '{SAMPLE:AAPL}', '1d', '{}',"
            " '{\"git_dirty\": false}', '{}', '', 'me', now())"
        )
        conn.commit()
        deploy(conn, get_release(conn, "cross"), DeployRequest(deployment_id="dep", author="me"))
    rates = dict.fromkeys(("rate_user", "rate_address", "rate_global", "rate_login"), "1000000/minute")
    async with (
        gateway_app(gateway_database, redis_url, bus="redis", workspace=tmp_path, **rates) as opened,
        serving(opened.gateway) as hub,
    ):
        opened.app.state.hub = hub
        # What is asked here is answers, not the effort of guessing.
        opened.identity.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
        yield opened
        await opened.app.state.operations.close()


def made_up(operation: APIOperation, mode: GenerationMode, **known: Any) -> list[Case]:
    """A few requests to ``operation``, always the same ones."""
    found: list[Case] = []

    @QUIET
    @seed(SEED)
    @given(case=operation.as_strategy(generation_mode=mode, **known))
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def requests_to(operation: APIOperation) -> list[Case]:
    """Valid ones, valid ones about things that are there, and invalid ones."""
    names = {parameter.name for parameter in operation.path_parameters}
    known = {name: value for name, value in KNOWN.items() if name in names}
    cases = made_up(operation, GenerationMode.POSITIVE)
    if known and known.keys() == names:
        cases += made_up(operation, GenerationMode.POSITIVE, path_parameters=known)
    if names or operation.body or operation.query:
        cases += made_up(operation, GenerationMode.NEGATIVE)
    return cases


async def faults_of(app: GatewayApp, case: Case, headers: dict[str, str]) -> list[str]:
    sent = case.as_transport_kwargs(base_url=BASE)
    sent = {name: value for name, value in sent.items() if name in {"method", "url", "params", "json", "data", "files"}}
    body = sent.pop("data", None)
    if body is not None:
        sent["content" if isinstance(body, bytes | str) else "data"] = body
    given_headers = {name: str(value).encode() for name, value in (case.headers or {}).items()}
    kind = {"content-type": case.media_type} if case.media_type and "json" not in sent else {}
    try:
        answer = await app.client.request(**sent, headers={**kind, **given_headers, **headers})
    except httpx.InvalidURL:
        return []  # longer than this client can send; what the gateway says to long ones has a test of its own
    try:
        case.validate_response(answer, checks=CHECKS)
    except FailureGroup as group:
        return [f"{answer.status_code} {type(one).__name__}: {one}\n{answer.text[:300]}" for one in group.exceptions]
    except Failure as failure:
        return [f"{answer.status_code} {type(failure).__name__}: {failure}\n{answer.text[:300]}"]
    return []


@pytest.mark.slow
async def test_every_route_answers_every_role_as_it_declares(app: GatewayApp):
    schema = schemathesis.openapi.from_dict(app.app.openapi())
    chance = random.Random(SEED)
    faults: dict[str, list[str]] = {}
    asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        name = operation.definition.raw["operationId"]
        if name in ENDLESS:
            continue
        cases = requests_to(operation)
        for role in (None, *Role):
            # A person of their own: some requests end the session of whoever makes them.
            headers = {} if role is None else app.login_as(role)
            # An admin gets through to every handler; the others meet mostly the permissions.
            for case in cases if role is Role.ADMIN else chance.sample(cases, 1):
                asked += 1
                for fault in await faults_of(app, case, headers):
                    faults.setdefault(name, []).append(f"{role}: {case.method} {case.formatted_path} → {fault}")
    assert asked > 300
    assert not faults, "\n\n".join(f"{name}\n  {found[0]}" for name, found in sorted(faults.items()))
