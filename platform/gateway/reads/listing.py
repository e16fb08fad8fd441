"""Newest-first lists of rows that belong to a deployment or a portfolio, read along an index (keyset pagination)."""

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg.rows import dict_row

from ..context import Connection
from .selection import Chosen, Wanted

Row = dict[str, Any]
Condition = tuple[str, tuple[Any, ...]]
"""SQL of this code's own with its values."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A table as a list. ``owner`` is its column of the deployment or portfolio, ``keys`` what it is sorted by.

    The first key is the row's market time (UTC ns). An index has to begin with the keys, another with owner and keys.
    """

    columns: str
    table: str
    owner: str
    keys: tuple[str, ...]

    @property
    def order(self) -> str:
        return ", ".join(f"{key} DESC" for key in self.keys)


def read(
    conn: Connection,
    listing: Listing,
    chosen: Chosen,
    wanted: Wanted,
    *,
    after: Sequence[Any] | None,
    limit: int,
    more: Sequence[Condition] = (),
) -> list[Row]:
    """Up to ``limit`` rows behind the keys ``after``, the newest first."""
    conditions = [*_conditions(listing, wanted, after), *more]
    values = [value for _, given in conditions for value in given]
    texts = [text for text, _ in conditions]
    if chosen.everything:
        where = f"WHERE {' AND '.join(texts)}" if texts else ""
        text = f"SELECT {listing.columns} FROM {listing.table} {where} ORDER BY {listing.order} LIMIT %s"  # noqa: S608 - own texts
        return _rows(conn, text, [*values, limit])
    # For each owner along its own index: a filter over all rows would read most of the table for a quiet deployment.
    inner = " AND ".join([f"{listing.owner} = owners.id", *texts])
    names = ", ".join(f"found.{key}" for key in _names(listing.columns))
    text = (
        f"SELECT {names} FROM unnest(%s::text[]) AS owners (id), LATERAL (SELECT {listing.columns}"  # noqa: S608 - own texts
        f" FROM {listing.table} WHERE {inner} ORDER BY {listing.order} LIMIT %s) AS found"
        f" ORDER BY {listing.order} LIMIT %s"
    )
    owners = list(chosen.facts) if listing.owner == "deployment_id" else chosen.portfolios
    return _rows(conn, text, [owners, *values, limit, limit])


def _conditions(listing: Listing, wanted: Wanted, after: Sequence[Any] | None) -> list[Condition]:
    found: list[Condition] = []
    if after is not None:
        places = ", ".join("%s" for _ in listing.keys)
        found.append((f"({', '.join(listing.keys)}) < ({places})", tuple(after)))
    if wanted.instrument:
        found.append(("instrument = %s", (wanted.instrument,)))
    if wanted.start is not None:
        found.append((f"{listing.keys[0]} >= %s", (wanted.start,)))
    if wanted.end is not None:
        found.append((f"{listing.keys[0]} < %s", (wanted.end,)))
    return found


def _names(columns: str) -> list[str]:
    return [column.strip() for column in columns.split(",")]


def _rows(conn: Connection, text: str, values: Sequence[Any]) -> list[Row]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(text.encode(), values).fetchall()
