"""One state of the database for all statements of a read: cash and positions of the same moment."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ..context import Connection

Result = TypeVar("Result")


@contextmanager
def in_snapshot(conn: Connection) -> Iterator[None]:
    """A transaction that reads only, and sees nothing of what is committed while it lasts."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def snapshot(work: Callable[[Connection], Result]) -> Callable[[Connection], Result]:
    """``work`` inside :func:`in_snapshot`."""

    def read(conn: Connection) -> Result:
        with in_snapshot(conn):
            return work(conn)

    return read
