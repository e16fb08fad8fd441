from datetime import UTC, datetime

import pytest

from millstream.contracts.errors import InputError
from millstream.gateway.pagination import cursor_of, keys_of, page

AT = datetime(2026, 1, 5, 14, 30, 0, 123456, tzinfo=UTC)


def test_cursor_gives_its_keys_back_exactly():
    assert keys_of(cursor_of((AT, "ä/+", 7)), tuple[datetime, str, int]) == (AT, "ä/+", 7)
    assert keys_of("", tuple[str]) is None


@pytest.mark.parametrize("cursor", ["x", "%%%", "ü", cursor_of(("one", "two")), cursor_of((1,)), "bnVsbA"])
def test_cursor_that_the_list_did_not_give_is_refused(cursor: str):
    with pytest.raises(InputError, match="cursor"):
        keys_of(cursor, tuple[str])


def test_page_has_a_next_one_only_when_a_row_more_was_read():
    last = page([1, 2], 2, lambda row: (row,), str)
    more = page([1, 2, 3], 2, lambda row: (row,), str)
    assert (last.items, last.next) == (("1", "2"), "")
    assert (more.items, keys_of(more.next, tuple[int])) == (("1", "2"), (2,))
    assert page([], 2, lambda row: (row,), str).items == ()
