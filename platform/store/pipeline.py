"""Many prepared statements in one write and one read.

psycopg's cursors in pipeline mode talk to the socket once a statement; the trading service sends a dozen statements a
batch, and that alone cost it more than its decisions. This uses the same libpq pipeline over the same connection.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with ``$1`` placeholders, prepared on first use on a connection. Parameters and answers are texts."""

    sql: bytes
    name: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", b"ms_" + hashlib.sha256(self.sql).hexdigest()[:16].encode())


Call = tuple[Statement, Sequence[bytes]]
_FAILED = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED})


class Pipeline:
    """Runs batches over ``conn``, which is outside psycopg's own pipeline mode and has ``prepare_threshold=None``."""

    def __init__(self, conn: psycopg.AsyncConnection[Any]) -> None:
        self._conn = conn
        self._prepared: set[bytes] = set()

    async def run(self, calls: Sequence[Call]) -> list[PGresult]:
        """Execute ``calls`` in order and return their results in order.

        Raises the first statement's ``psycopg.Error``; the statements behind it were not executed then. After an error
        the connection is only good for closing.
        """
        async with self._conn.lock:
            results: list[PGresult] = await self._conn.wait(self._exchange(self._conn.pgconn, calls))
        for result in results:
            if result.status in _FAILED:
                raise error_from_result(result, encoding="utf-8")
        return results

    def _exchange(self, pgconn: PGconn, calls: Sequence[Call]) -> PQGen[list[PGresult]]:
        pgconn.enter_pipeline_mode()
        try:
            wanted: list[bool] = []
            for statement, parameters in calls:
                if statement.name not in self._prepared:
                    pgconn.send_prepare(statement.name, statement.sql)
                    self._prepared.add(statement.name)
                    wanted.append(False)
                pgconn.send_query_prepared(statement.name, parameters)
                wanted.append(True)
            pgconn.pipeline_sync()
            yield from generators.send(pgconn)
            answers: list[list[PGresult]] = []
            for _ in (*wanted, None):
                answer = yield from generators.fetch_many(pgconn)
                answers.append(answer)
        finally:
            if pgconn.status == ConnStatus.OK:
                pgconn.exit_pipeline_mode()
        failed = [item for answer in answers for item in answer if item.status in _FAILED]
        return failed or [answer[-1] for answer, kept in zip(answers, wanted, strict=False) if kept]
