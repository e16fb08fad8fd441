import pytest
from unit.client.conftest import answer, problem

from millstream.client import ApiInputError, PermissionDeniedError, following

NOW = "2013-03-01T00:00:00Z"
RUNNING = {"operation_id": "o1", "kind": "promote", "state": "running", "created_at": NOW}


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.0)


async def test_an_operation_is_followed_to_its_end_and_each_step_told_once(script):
    script.answers = [
        answer({**RUNNING, "steps": ["inspected"]}, 202),
        answer({**RUNNING, "steps": ["inspected", "bundled"]}),
        answer({**RUNNING, "steps": ["inspected", "bundled"]}),
        answer({**RUNNING, "state": "done", "steps": ["inspected", "bundled", "started"], "result": {"x": 1}}),
    ]
    steps: list[str] = []
    async with script.client() as client:
        done = await client.follow(await client.promote(notebook="a.ipynb"), steps.append)
    assert steps == ["inspected", "bundled", "started"]
    assert done.result == {"x": 1}


async def test_a_failed_operation_raises_its_problem(script):
    why = {"title": "no", "status": 422, "code": "INVALID_INPUT", "detail": "no strategy in it", "hint": "add one"}
    script.answers = [answer({**RUNNING, "state": "failed", "problem": why}, 202)]
    async with script.client() as client:
        with pytest.raises(ApiInputError, match="no strategy in it"):
            await client.follow(await client.promote(notebook="a.ipynb"))


async def test_every_item_of_a_list_is_given_page_after_page(script):
    script.answers = [answer({"items": ["a", "b"], "next": "c"}), answer({"items": ["d"]})]
    async with script.client() as client:
        assert [name async for name in client.iterate(client.list_notebooks, limit=2)] == ["a", "b", "d"]
    assert [dict(request.url.params).get("cursor") for request in script.requests] == [None, "c"]


async def test_a_refused_page_raises(script):
    script.answers = [problem(403, "FORBIDDEN", "no")]
    async with script.client() as client:
        with pytest.raises(PermissionDeniedError):
            [one async for one in client.iterate(client.list_indicators, deployment="a")]
