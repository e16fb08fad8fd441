"""``ETag``: whoever has an answer already gets ``304`` for it, and a change can be made dependent on what was seen.

A tag is ``"<content>"`` or ``"<version>.<content>"``. The content is a hash of the answer's bytes. The version is given
by routes whose things can be changed (:func:`tag_with`): ``If-Match`` compares it alone, because an answer also holds
what changes by itself (a heartbeat, a price), which must not stand in the way of a change.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from .problems import ProblemError

_TAGS = re.compile(r'(?:W/)?"([^"]*)"')
_LENGTH = 22


def version_of(*parts: Any) -> str:
    """A version of what a person may change: the same for equal ``parts`` (JSON values, decimals, times)."""
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:_LENGTH]


def tag_with(request: Request, version: str) -> None:
    """Have the answer of this request carry ``version`` in its tag."""
    request.state.version = version


@dataclass(frozen=True, slots=True)
class Precondition:
    """What a command's ``If-Match`` names; None: nothing, it is carried out whatever is there."""

    tags: str | None = None

    def check(self, version: str) -> None:
        """Raises ``412`` when tags are named and none of them is of ``version``."""
        if self.tags is None or self.tags.strip() == "*":
            return
        if version not in {tag.partition(".")[0] for tag in _TAGS.findall(self.tags)}:
            raise ProblemError(
                412,
                "PRECONDITION_FAILED",
                "It was changed in the meantime",
                "What was seen is not what is there now.",
                "Read it again, look at what changed, and make the change again.",
            )


def _precondition(
    tags: Annotated[
        str | None, Header(alias="If-Match", max_length=1000, description="The `ETag` of what the change is made of.")
    ] = None,
) -> Precondition:
    return Precondition(tags)


Given = Annotated[Precondition, Depends(_precondition)]


def tagged(request: Request, response: Response) -> Response:
    """``response`` with its tag; an answer that is streamed, or no success, has none."""
    if not 200 <= response.status_code < 300 or not isinstance(getattr(response, "body", None), bytes):
        return response
    content = hashlib.sha256(response.body).hexdigest()[:_LENGTH]
    version = getattr(request.state, "version", "")
    response.headers["ETag"] = f'"{version}.{content}"' if version else f'"{content}"'
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def conditional(request: Request, response: Response) -> Response:
    """``response`` with its tag, or ``304`` where the request names that tag in ``If-None-Match``."""
    tag = tagged(request, response).headers.get("etag")
    known = request.headers.get("if-none-match", "")
    if tag is None or tag.strip('"') not in _TAGS.findall(known):
        return response
    kept = {name: value for name, value in response.headers.items() if name in {"etag", "cache-control", "vary"}}
    return Response(status_code=304, headers=kept)
