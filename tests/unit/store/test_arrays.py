"""Array literals and the statements that take them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from millstream.store.arrays import columns, insert, text_array, update


class Row(NamedTuple):
    key: str
    number: int
    amount: Decimal | None
    flag: bool
    payload: bytes
    at: datetime
    facts: dict[str, Any]


def test_every_type_becomes_an_element_that_postgresql_reads():
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    row = Row('a"\\b', 1, None, True, b"\x00\xff", moment, {"x": "y"})
    _, parameters = insert("t", Row).call([row])
    assert parameters == [
        b'{"a\\"\\\\b"}',
        b"{1}",
        b"{NULL}",
        b"{True}",
        b'{"\\\\x00ff"}',
        b'{"2026-01-02T00:00:00+00:00"}',
        b'{"{\\"x\\":\\"y\\"}"}',
    ]


def test_columns_take_their_sql_types_from_the_annotations():
    assert [column.sql_type for column in columns(Row)] == [
        "text",
        "bigint",
        "numeric",
        "boolean",
        "bytea",
        "timestamptz",
        "jsonb",
    ]


def test_an_insert_with_a_key_ignores_or_replaces():
    assert insert("t", Row, key="key").statement.sql.endswith(b"ON CONFLICT (key) DO NOTHING")
    assert b'DO UPDATE SET "number" = excluded."number"' in insert("t", Row, key="key", update=True).statement.sql


def test_an_update_leaves_its_key_alone():
    sql = update("t", Row, key="key").statement.sql
    assert b'"key" = new' not in sql
    assert sql.endswith(b"WHERE t.key = new.key")


def test_texts_with_commas_and_braces_stay_one_element():
    assert text_array(["a,b", "{c}", ""]) == '{"a,b","{c}",""}'
