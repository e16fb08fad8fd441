import asyncio

import httpx
import pytest
from unit.client.conftest import ME, answer, problem

from millstream.client import (
    ApiConflictError,
    ApiError,
    ApiFatalError,
    ApiInputError,
    ApiNotFoundError,
    ApiRetriableError,
    AsyncClient,
    AuthenticationError,
    GatewayUnreachableError,
    PermissionDeniedError,
)
from millstream.contracts.errors import ConflictError, FatalError, InputError, NotFoundError, RetriableError

HALTED = {
    "halt": {"scope": "global", "state": "halted", "actor": "ann", "reason": "x", "changed_at": "2013-03-01T00:00:00Z"},
    "sealed": True,
}
TOKENS = {"access_token": "new", "refresh_token": "r2", "expires_in": 600}
NOBODY = ("UNAUTHENTICATED", "Not logged in", "Log in.")


async def test_an_answer_becomes_its_model_and_the_token_goes_along(script):
    script.answers = [answer({**ME, "unknown_field": 1})]
    async with script.client() as client:
        assert (await client.me()).user == "ann"
    [request] = script.requests
    assert str(request.url) == "http://gateway/api/v1/me"
    assert request.headers["Authorization"] == "Bearer t"
    assert "Idempotency-Key" not in request.headers


@pytest.mark.parametrize(
    ("status", "kind", "base", "exit_code"),
    [
        (401, AuthenticationError, InputError, 2),
        (403, PermissionDeniedError, InputError, 2),
        (404, ApiNotFoundError, NotFoundError, 3),
        (409, ApiConflictError, ConflictError, 4),
        (412, ApiConflictError, ConflictError, 4),
        (422, ApiInputError, InputError, 2),
        (429, ApiRetriableError, RetriableError, 5),
        (405, ApiInputError, InputError, 2),
        (500, ApiFatalError, FatalError, 6),
    ],
)
async def test_a_problem_becomes_the_exception_of_its_kind(script, status, kind, base, exit_code):
    script.answers = [problem(status, "SOME_CODE", "what was wrong", "what to do")] * 3
    async with script.client() as client:
        with pytest.raises(kind, match="what was wrong") as caught:
            await client.me()
    assert isinstance(caught.value, base)
    assert (caught.value.status, caught.value.code, caught.value.hint) == (status, "SOME_CODE", "what to do")
    assert caught.value.exit_code == exit_code


async def test_faults_stand_in_the_message(script):
    fault = {"where": "body.quantity", "message": "must be above 0"}
    script.answers = [problem(422, "INVALID_INPUT", "The request is not valid", faults=[fault])]
    async with script.client() as client:
        with pytest.raises(ApiInputError, match=r"body\.quantity: must be above 0") as caught:
            await client.me()
    assert caught.value.faults[0].where == "body.quantity"


async def test_an_answer_of_something_else_than_a_gateway_says_so(script):
    script.answers = [httpx.Response(404, content=b"<html>"), httpx.Response(200, content=b"<html>")]
    async with script.client() as client:
        with pytest.raises(ApiNotFoundError) as caught:
            await client.me()
        assert "MILLSTREAM_URL" in caught.value.hint
        with pytest.raises(ApiError, match="answered something else") as caught:
            await client.me()
        assert caught.value.code == "UNKNOWN_ANSWER"


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("cut"),
        httpx.ReadTimeout("slow"),
        problem(503, "UNAVAILABLE", headers={"Retry-After": "0"}),
        problem(409, "IDEMPOTENCY_CONFLICT", headers={"Retry-After": "0"}),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_command_is_sent_again_under_its_key_after_a_passing_fault(script, fault):
    script.answers = [fault, answer(HALTED)]
    async with script.client() as client:
        assert (await client.halt(scope="global", reason="x")).sealed
    first, second = script.keys()
    assert first == second != ""
    assert script.requests[0].content == script.requests[1].content


async def test_two_commands_have_two_keys(script):
    script.answers = [answer(HALTED), answer(HALTED)]
    async with script.client() as client:
        await client.halt(scope="global", reason="x")
        await client.halt(scope="global", reason="x")
    assert len(set(script.keys())) == 2


@pytest.mark.parametrize(
    "refusal",
    [
        problem(409, "CONFLICT"),
        problem(422, "INVALID_INPUT"),
        problem(503, "UNAVAILABLE", headers={"Retry-After": "60"}),
    ],
    ids=["conflict", "input", "a long wait"],
)
async def test_what_another_try_would_not_mend_is_not_sent_again(script, refusal):
    script.answers = [refusal]
    async with script.client() as client:
        with pytest.raises(ApiError):
            await client.halt(scope="global", reason="x")
    assert len(script.requests) == 1


async def test_a_gateway_that_never_answers_is_an_error_that_says_what_to_do(script):
    script.answers = [httpx.ConnectError("refused")] * 3
    async with script.client() as client:
        with pytest.raises(GatewayUnreachableError, match="http://gateway does not answer") as caught:
            await client.me()
    assert "millstream up" in caught.value.hint
    assert isinstance(caught.value, RetriableError)


async def test_a_refresh_whose_answer_is_lost_is_not_sent_again(script):
    script.answers = [httpx.ReadError("cut")]
    async with script.client() as client:
        with pytest.raises(GatewayUnreachableError):
            await client.refresh(refresh_token="r1")
    assert len(script.requests) == 1


async def test_calls_that_find_the_token_expired_at_once_refresh_it_once(script):
    def gateway(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/session/refresh"):
            return answer(TOKENS)
        return answer(ME) if request.headers["Authorization"] == "Bearer new" else problem(401, *NOBODY)

    script.answers = [gateway] * 100
    async with script.client("old", refresh_token="r1") as client:
        people = await asyncio.gather(*(client.me() for _ in range(5)))
        assert {one.user for one in people} == {"ann"}
        assert client.token == "new"
    refreshes = [request for request in script.requests if request.url.path.endswith("/session/refresh")]
    assert [request.content for request in refreshes] == [b'{"refresh_token":"r1"}']
    assert "Authorization" not in refreshes[0].headers


async def test_a_command_keeps_its_key_over_a_refresh(script):
    script.answers = [problem(401, *NOBODY), answer(TOKENS), answer(HALTED)]
    async with script.client("old", refresh_token="r1") as client:
        await client.halt(scope="global", reason="x")
    first, _, last = script.keys()
    assert first == last != ""


async def test_a_session_that_ended_is_an_authentication_error_and_asks_for_no_more_refreshes(script):
    script.answers = [problem(401, *NOBODY), problem(401, *NOBODY), problem(401, *NOBODY)]
    async with script.client("old", refresh_token="used") as client:
        for _ in range(2):
            with pytest.raises(AuthenticationError, match="Not logged in"):
                await client.me()
    assert [request.url.path.rpartition("/")[2] for request in script.requests] == ["me", "refresh", "me"]


async def test_a_login_is_taken_up_and_a_logout_forgets_it(script):
    script.answers = [answer({**TOKENS, "access_token": "mine"}), answer(ME), answer({"done": True}), answer(ME)]
    async with script.client(None) as client:
        await client.login(user="ann", password="a long password")
        await client.me()
        await client.logout()
        await client.me()
    sent = [request.headers.get("Authorization") for request in script.requests]
    assert sent == [None, "Bearer mine", "Bearer mine", None]


async def test_a_poll_that_changed_nothing_gives_the_known_answer(script):
    script.answers = [answer(ME, ETag='"1"'), httpx.Response(304), answer({**ME, "name": "Anna"}, ETag='"2"')]
    async with script.client() as client:
        first, second, third = await client.me(), await client.me(), await client.me()
    assert first is second
    assert third.name == "Anna"
    assert [request.headers.get("If-None-Match") for request in script.requests] == [None, '"1"', '"1"']


async def test_another_person_does_not_see_answers_of_the_one_before(script):
    script.answers = [answer(ME, ETag='"1"'), answer(TOKENS), answer(ME)]
    async with script.client() as client:
        await client.me()
        await client.login(user="bob", password="a long password")
        await client.me()
    assert "If-None-Match" not in script.requests[2].headers


async def test_text_is_given_as_it_is(script):
    script.answers = [httpx.Response(200, text="a,b\n1,2\n", headers={"Content-Type": "text/csv"})]
    async with script.client() as client:
        assert await client.export_trades(target="paper") == "a,b\n1,2\n"


async def test_a_change_made_of_what_was_seen_carries_its_etag_and_is_a_conflict_once_that_changed(script):
    script.answers = [answer(ME, ETag='"v.1"'), problem(412, "PRECONDITION_FAILED", "it was changed")]
    async with script.client() as client:
        seen, tag = await client.tagged(AsyncClient.me.request())
        assert (seen.user, tag) == ("ann", '"v.1"')
        with pytest.raises(ApiConflictError):
            await client.call(AsyncClient.change_me.request(language="de"), match=tag)
    assert script.requests[1].headers["If-Match"] == '"v.1"'
