"""Pages of lists: opaque cursors that name the last row given (keyset), so that new rows shift nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query

from ..contracts.api.base import Page
from ..contracts.errors import InputError

DEFAULT_LIMIT = 100
MOST = 1000

Limit = Annotated[int, Query(ge=1, le=MOST, description="Most items of this page.")]
Cursor = Annotated[str, Query(max_length=512, description="`next` of the page before; empty: the first page.")]

Row = TypeVar("Row")
Item = TypeVar("Item")
Keys = TypeVar("Keys")


def cursor_of(keys: Sequence[Any]) -> str:
    """The cursor behind the row with these keys (texts, numbers, aware datetimes)."""
    return base64.urlsafe_b64encode(msgspec.json.encode(tuple(keys))).rstrip(b"=").decode()


def keys_of(cursor: str, kind: type[Keys]) -> Keys | None:
    """The keys in ``cursor``, checked to be a ``kind`` such as ``tuple[datetime, str]``; None for the first page.

    Raises :class:`InputError` for a text that no list of this kind gave out.
    """
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, UnicodeError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise InputError(
            "the cursor is not one that this list gave out", hint="Ask without a cursor for the first page."
        ) from error


def page(
    rows: Sequence[Row], limit: int, keys: Callable[[Row], Sequence[Any]], make: Callable[[Row], Item]
) -> Page[Item]:
    """The page of up to ``limit`` of ``rows``, which were read with one row more to see whether there is a next page.

    ``keys`` gives the values that the rows are sorted by, ``make`` the item of a row.
    """
    shown = rows[:limit]
    following = cursor_of(keys(shown[-1])) if len(rows) > limit else ""
    return Page[Any](items=tuple(make(row) for row in shown), next=following)
