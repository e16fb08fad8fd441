from decimal import Decimal

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from millstream.gateway import etag
from millstream.gateway.problems import ProblemError


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": raw, "state": {}})


def tag_of(content: object, version: str = "") -> str:
    asked = request()
    if version:
        etag.tag_with(asked, version)
    return etag.tagged(asked, JSONResponse(content)).headers["etag"]


def test_tag_follows_the_content_and_carries_the_version():
    assert tag_of({"a": 1}) == tag_of({"a": 1}) != tag_of({"a": 2})
    assert tag_of({"a": 1}, "v").startswith('"v.')


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_known_tag_is_answered_without_content(form: str):
    answer = etag.conditional(request(if_none_match=form.format(tag_of([1]))), JSONResponse([1]))
    assert (answer.status_code, answer.body, answer.headers["etag"]) == (304, b"", tag_of([1]))


@pytest.mark.parametrize("answer", [Response(status_code=404), StreamingResponse(iter([b"x"]))])
def test_refusal_and_stream_have_no_tag(answer: Response):
    assert "etag" not in etag.conditional(request(if_none_match='"x"'), answer).headers


def test_precondition_compares_the_version_and_not_what_changes_by_itself():
    version = etag.version_of({"limit": Decimal("1.0")}, "cancel")
    seen = tag_of({"price": 1}, version)
    for tags in (None, "*", seen, f'"x", {seen}', tag_of({"price": 2}, version)):
        etag.Precondition(tags).check(version)
    for tags in ('"x"', "", "junk", tag_of({"price": 1}, etag.version_of({"limit": Decimal("1.1")}, "cancel"))):
        with pytest.raises(ProblemError, match="not what is there now"):
            etag.Precondition(tags).check(version)
