"""Commands that take time: each runs as a task of the gateway and is on record, step by step, in ``operations``."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import psycopg
import structlog
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ...contracts.api.base import Operation, Problem
from ...contracts.errors import ConflictError, MillstreamError, NotFoundError, RetriableError
from ...contracts.ids import random_id
from ..auth.access import Principal
from ..context import Connection, Gateway
from ..problems import ProblemError, internal, problem_of, unavailable

AT_ONCE = 2
MOST_PER_USER = 4
RETRY_SECONDS = 1.0
_COLUMNS = "operation_id, kind, state, steps, result, problem, created_at, finished_at"
_log = structlog.get_logger(__name__)

Step = Callable[[str], None]
Work = Callable[[Step], Awaitable[dict[str, Any]]]
"""Does the work, says each step when it begins, and returns what the command answers."""
Note = Callable[[Connection, str], None]
"""Writes the audit row of a command, which names its operation, in the transaction that begins it."""


class Operations:
    """The operations of this gateway. Two run at once, the others wait; a user has at most four in hand."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, tuple[str, asyncio.Task[None]]] = {}

    async def start(self, kind: str, principal: Principal, work: Work, note: Note) -> Operation:
        """Put ``work`` on record, with its ``note`` in the audit, and begin it.

        Raises :class:`ConflictError` when its user has too many in hand.
        """
        mine = [user for user, _ in self._tasks.values() if user == principal.user]
        if len(mine) >= MOST_PER_USER:
            raise ConflictError(
                f"{principal.user} has {len(mine)} operations in hand", hint="Wait until one of them is done."
            )
        operation = random_id()
        answer = await self._gateway.database(lambda conn: _insert(conn, operation, kind, principal.user, note))
        task = asyncio.create_task(self._run(operation, work), name=f"operation {operation}")
        self._tasks[operation] = principal.user, task
        task.add_done_callback(lambda _: self._tasks.pop(operation))
        return answer

    @property
    def running(self) -> int:
        """How many are in hand, those that wait included."""
        return len(self._tasks)

    async def close(self) -> None:
        """End what runs; it is on record as failed."""
        tasks = [task for _, task in self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, operation: str, work: Work) -> None:
        log = _Steps(self._gateway, operation)
        writing = asyncio.create_task(log.write_on())
        result: dict[str, Any] | None = None
        problem: ProblemError | None = None
        try:
            async with self._slots:
                result = await work(log.add)
        except asyncio.CancelledError:
            problem = restarted()
            raise
        except MillstreamError as error:
            problem = problem_of(error)
        except psycopg.OperationalError as error:
            problem = unavailable(f"The database did not answer: {error}")
        except Exception as error:  # noqa: BLE001 - whatever fails is logged and on record: nobody awaits this task
            problem = internal(error, operation=operation)
        finally:
            writing.cancel()
            await asyncio.shield(self._finish(operation, log.steps, result, problem))

    async def _finish(
        self, operation: str, steps: list[str], result: dict[str, Any] | None, problem: ProblemError | None
    ) -> None:
        told = None if problem is None else problem.problem()
        while True:
            try:
                await self._gateway.database(lambda conn: _finish(conn, operation, steps, result, told))
            except (RetriableError, psycopg.OperationalError) as error:
                _log.warning("operation.not_recorded", operation=operation, error=str(error))
                await self._gateway.clock.sleep(RETRY_SECONDS)
            else:
                return


class _Steps:
    """Lines of progress, written as they come; the newest state of the list is what counts."""

    def __init__(self, gateway: Gateway, operation: str) -> None:
        self.steps: list[str] = []
        self._gateway = gateway
        self._operation = operation
        self._added = asyncio.Event()

    def add(self, line: str) -> None:
        self.steps.append(line)
        self._added.set()

    async def write_on(self) -> None:
        while True:
            await self._added.wait()
            self._added.clear()
            steps = list(self.steps)
            try:
                await self._gateway.database(partial(_write, operation=self._operation, steps=steps))
            except (RetriableError, psycopg.OperationalError) as error:
                # The end of the operation writes all steps again.
                _log.warning("operation.step_not_recorded", operation=self._operation, error=str(error))


def get_operation(conn: Connection, operation: str, principal: Principal) -> Operation:
    """One's own operation. Raises :class:`NotFoundError`, also for somebody else's."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            f"SELECT {_COLUMNS} FROM operations WHERE operation_id = %s AND user_id = %s",  # noqa: S608 - own names
            (operation, principal.user),
        ).fetchone()
    if row is None:
        raise NotFoundError(
            f"there is no operation {operation!r} of yours", hint="The answer that began an operation names it."
        )
    return Operation(**row)


def fail_left_over(conn: Connection) -> int:
    """Record what a gateway left running when it ended as failed; how many these were."""
    with conn.transaction():
        return conn.execute(
            "UPDATE operations SET state = 'failed', problem = %s, finished_at = now() WHERE state = 'running'",
            (Jsonb(restarted().problem().model_dump(mode="json")),),
        ).rowcount


def restarted() -> ProblemError:
    """What became of an operation whose gateway ended."""
    return ProblemError(
        503,
        "GATEWAY_RESTARTED",
        "Gateway restarted",
        "The gateway ended before the operation did.",
        "See whether it took effect, and send the command again if not.",
    )


def _insert(conn: Connection, operation: str, kind: str, user: str, note: Note) -> Operation:
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "INSERT INTO operations (operation_id, kind, user_id, state, steps, created_at)"  # noqa: S608 - own names
            f" VALUES (%s, %s, %s, 'running', '{{}}', now()) RETURNING {_COLUMNS}",
            (operation, kind, user),
        ).fetchone()
        note(conn, operation)
    return Operation.model_validate(row, from_attributes=False)


def _write(conn: Connection, operation: str, steps: list[str]) -> None:
    with conn.transaction():
        conn.execute(
            "UPDATE operations SET steps = %s WHERE operation_id = %s AND state = 'running'", (steps, operation)
        )


def _finish(
    conn: Connection, operation: str, steps: list[str], result: dict[str, Any] | None, problem: Problem | None
) -> None:
    told = None if problem is None else Jsonb(problem.model_dump(mode="json"))
    with conn.transaction():
        conn.execute(
            "UPDATE operations SET state = %s, steps = %s, result = %s, problem = %s, finished_at = now()"
            " WHERE operation_id = %s AND state = 'running'",
            (
                "done" if problem is None else "failed",
                steps,
                None if result is None else Jsonb(result),
                told,
                operation,
            ),
        )
