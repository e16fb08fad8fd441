"""The bases of requests and answers, pages, and problems."""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

Item = TypeVar("Item")


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        msg = "is no moment that a calendar in UTC has"
        raise ValueError(msg) from None


Time = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A moment in UTC."""


class Answer(BaseModel):
    """Base of what the gateway answers."""

    model_config = ConfigDict(frozen=True, from_attributes=True, extra="ignore")


class Request(BaseModel):
    """Base of what the gateway is given: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(Answer, Generic[Item]):
    """A part of a list. ``next`` is the cursor of the following part, empty at the end."""

    items: tuple[Item, ...]
    next: str = ""


class FieldFault(Answer):
    """One field of a request that is wrong: where (``body.quantity``) and why."""

    where: str
    message: str


class Problem(Answer):
    """RFC 9457 problem details. ``code`` is stable and machine-readable, ``hint`` says what to do.

    ``reference`` names the place in the gateway's log where an error nobody foresaw (500) stands.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    code: str
    hint: str = ""
    faults: tuple[FieldFault, ...] = ()
    reference: str = ""


class Operation(Answer):
    """A command that takes time (``202``): follow it at ``GET /api/v1/operations/{operation_id}``.

    ``state`` is ``running``, ``done`` or ``failed``; ``steps`` are the lines of progress so far; ``result`` is what the
    command would have answered, ``problem`` why it failed.
    """

    operation_id: str
    kind: str
    state: str
    steps: tuple[str, ...] = ()
    result: dict[str, Any] | None = None
    problem: Problem | None = None
    created_at: Time
    finished_at: Time | None = None


class Done(Answer):
    """A command took effect and there is nothing more to say."""

    done: bool = Field(default=True)
