"""Registered instruments: what the platform knows how to trade."""

import difflib
from collections.abc import Iterable

import msgspec
import psycopg
from psycopg.rows import dict_row

from ..bus.base import EventBus, Record
from ..contracts.clock import Clock
from ..contracts.codec import encode
from ..contracts.errors import InputError, NotFoundError
from ..contracts.events import InstrumentRegistered
from ..contracts.ids import digest, parse_instrument
from ..contracts.instrument import Instrument
from ..contracts.topics import INSTRUMENT_REGISTERED

_FIELDS = msgspec.structs.fields(Instrument)
_NAMES = tuple(field.name for field in _FIELDS)
_SELECT = f"SELECT {', '.join(_NAMES)} FROM instruments"  # noqa: S608 - fixed column names
_UPSERT = (
    f"INSERT INTO instruments (key, registered_at, {', '.join(_NAMES)})"  # noqa: S608 - fixed column names
    f" VALUES (%(key)s, now(), {', '.join(f'%({name})s' for name in _NAMES)})"
    f" ON CONFLICT (key) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES)}"
    f" WHERE ({', '.join(f'instruments.{name}' for name in _NAMES)})"
    f" IS DISTINCT FROM ({', '.join(f'excluded.{name}' for name in _NAMES)})"
)


def register(conn: psycopg.Connection, instrument: Instrument) -> bool:
    """Store ``instrument`` under its key, replacing what stood there; False when it stood there just so.

    Part of the connection's transaction. Whoever registers also calls :func:`announce` once that is committed.
    """
    key = parse_instrument(instrument.key)
    with conn.cursor() as cursor:
        cursor.execute(_UPSERT, {"key": key, **msgspec.structs.asdict(instrument)})
        return cursor.rowcount == 1


async def announce(bus: EventBus, clock: Clock, instruments: Iterable[Instrument]) -> None:
    """Publish ``instrument.registered`` for each; the event id derives from the content, so a repeat is a duplicate."""
    records = []
    for instrument in instruments:
        event_id = digest(INSTRUMENT_REGISTERED.name, msgspec.json.encode(instrument).decode())
        event = InstrumentRegistered(event_id=event_id, occurred_at=clock.now(), instrument=instrument)
        records.append(Record(INSTRUMENT_REGISTERED.name, instrument.key, encode(event)))
    await bus.publish(records)


def find(conn: psycopg.Connection, key: str) -> Instrument | None:
    """The instrument registered under ``key``, or None."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(f"{_SELECT} WHERE key = %s", (key,)).fetchone()
    return None if row is None else Instrument(**row)


def get(conn: psycopg.Connection, key: str) -> Instrument:
    """The instrument registered under ``key``. Raises :class:`NotFoundError` with near matches."""
    found = find(conn, key)
    if found is None:
        raise NotFoundError(f"{key!r} is not a registered instrument", hint=_suggestion(key, keys(conn)))
    return found


def list_instruments(conn: psycopg.Connection) -> list[Instrument]:
    """All registered instruments, by key."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return [Instrument(**row) for row in cursor.execute(f"{_SELECT} ORDER BY key").fetchall()]


def keys(conn: psycopg.Connection) -> list[str]:
    """Keys of all registered instruments, sorted."""
    return [key for (key,) in conn.execute("SELECT key FROM instruments ORDER BY key").fetchall()]


def resolve(conn: psycopg.Connection, text: str) -> str:
    """As :func:`meant`, of all registered instruments."""
    return meant(text, keys(conn))


def meant(text: str, known: list[str]) -> str:
    """The key that ``text`` means: a key itself, or a symbol that only one exchange has (``AAPL``); case may differ.

    Raises :class:`NotFoundError` with near matches, and :class:`InputError` when several exchanges have the symbol.
    """
    wanted = text.strip().upper()
    found = [key for key in known if wanted in {key.upper(), key.partition(":")[2].upper()}]
    exact = [key for key in found if text.strip() in {key, key.partition(":")[2]}]
    matches = exact or found
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise InputError(
            f"{text!r} is traded on several exchanges", hint=f"Say which one you mean: {', '.join(matches)}."
        )
    raise NotFoundError(f"{text!r} is not a registered instrument", hint=_suggestion(text, known))


def _suggestion(text: str, known: list[str]) -> str:
    if not known:
        return "No instrument is registered yet: `millstream data import` or `millstream data sample` adds some."
    names = {name.upper(): key for key in known for name in (key, key.partition(":")[2])}
    near = dict.fromkeys(names[name] for name in difflib.get_close_matches(text.upper(), names, n=6, cutoff=0.5))
    if near:
        return f"Did you mean {' or '.join(near)}?"
    shown = ", ".join(known[:8]) + (" …" if len(known) > 8 else "")
    return f"Registered are: {shown}. `millstream data import` adds more."
