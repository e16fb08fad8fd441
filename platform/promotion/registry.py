"""Releases: registered bundles, ``name@version``."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ..contracts.errors import InputError, NotFoundError
from ..contracts.ids import parse_name

if TYPE_CHECKING:
    from .bundle import Bundle
    from .execute import Execution

_COLUMNS = (
    "name, version, bundle, strategy, instruments, timeframe, parameters, manifest, report, executed_notebook, author,"
    " created_at"
)


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``releases``. ``report`` is what the backtest of its promotion reported."""

    name: str
    version: int
    bundle: str
    strategy: str
    instruments: list[str]
    timeframe: str
    parameters: dict[str, Any]
    manifest: dict[str, Any]
    report: dict[str, Any]
    executed_notebook: str
    author: str
    created_at: datetime

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"


def register(
    conn: psycopg.Connection[Any], bundle: "Bundle", execution: "Execution", *, data_snapshot: str, author: str
) -> Release:
    """Register ``bundle`` as the next version of its name; the same bundle is the same release. Commits by itself.

    ``data_snapshot`` is the id of the candles that the backtest saw.
    """
    name = parse_name(bundle.manifest.name, "strategy")
    report = execution.report
    values = {
        "name": name,
        "bundle": bundle.hash,
        "strategy": report["strategy"],
        "instruments": report["instruments"],
        "timeframe": report["timeframe"],
        "parameters": Jsonb(bundle.manifest.parameters),
        "manifest": Jsonb({**msgspec.to_builtins(bundle.manifest), "data_snapshot": data_snapshot}),
        "report": Jsonb(report),
        "executed": str(execution.notebook),
        "author": author,
    }
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        # One registration of a name at a time: versions have no holes and no bundle gets two of them.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('millstream.release'), hashtext(%s))", (name,))
        known = cursor.execute(
            f"SELECT {_COLUMNS} FROM releases WHERE name = %s AND bundle = %s",  # noqa: S608 - own texts
            (name, bundle.hash),
        ).fetchone()
        row = (
            known
            or cursor.execute(
                "INSERT INTO releases (name, version, bundle, strategy, instruments, timeframe, parameters, manifest,"  # noqa: S608
                " report, executed_notebook, author, created_at)"
                " SELECT %(name)s, coalesce(max(version), 0) + 1, %(bundle)s, %(strategy)s, %(instruments)s,"
                " %(timeframe)s, %(parameters)s, %(manifest)s, %(report)s, %(executed)s, %(author)s, now()"
                f" FROM releases WHERE name = %(name)s RETURNING {_COLUMNS}",
                values,
            ).fetchone()
        )
    conn.commit()
    return msgspec.convert(row, Release)


def list_releases(conn: psycopg.Connection[Any]) -> list[Release]:
    """All releases, the newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(f"SELECT {_COLUMNS} FROM releases ORDER BY created_at DESC, version DESC").fetchall()  # noqa: S608
    conn.rollback()
    return msgspec.convert(rows, list[Release])


def get_release(conn: psycopg.Connection[Any], ref: str) -> Release:
    """The release ``name@version``, or the newest version of ``name``. Raises :class:`NotFoundError`."""
    name, at, text = ref.partition("@")
    if at and not text.isdecimal():
        raise InputError(f"{ref!r} is not a release", hint="Write name or name@version, for example sma_cross@3.")
    known = [release for release in list_releases(conn) if release.name == name]
    found = [release for release in known if not at or release.version == int(text)]
    if not found:
        from ..sdk.matching import near

        names = [release.ref for release in list_releases(conn)]
        raise NotFoundError(
            f"there is no release {ref!r}", hint=f"{near(ref, names)}`millstream releases` lists all of them."
        )
    return max(found, key=lambda release: release.version)
