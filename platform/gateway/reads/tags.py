"""What an intent's maker wrote on it: a strategy's tag, or ``manual:<user>``."""

from collections.abc import Iterable

import msgspec

from ..context import Connection


class _Tagged(msgspec.Struct):
    tag: str = ""


_READ = msgspec.json.Decoder(_Tagged)


def tags_of(conn: Connection, intents: Iterable[str]) -> dict[str, str]:
    """Tags by intent id, of those that have one."""
    wanted = sorted(set(intents))
    if not wanted:
        return {}
    rows = conn.execute("SELECT intent_id, payload FROM intents WHERE intent_id = ANY(%s)", (wanted,)).fetchall()
    found = {intent: _READ.decode(bytes(payload)).tag for intent, payload in rows}
    return {intent: tag for intent, tag in found.items() if tag}
