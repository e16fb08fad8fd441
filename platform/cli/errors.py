"""Exit codes and error messages of the command line.

0 success · 1 the answer is no (parity differs, a check failed) · 2 wrong input or configuration · 3 not found ·
4 conflict with the present state · 5 passing fault, try again · 6 fatal · 130 interrupted
"""

import os
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.markup import escape

from ..contracts.errors import FatalError, InputError, MillstreamError, RetriableError
from .output import errors

if TYPE_CHECKING:
    from ..contracts.api.base import Request

T = TypeVar("T")
Model = TypeVar("Model", bound="Request")
ANSWER_IS_NO = 1
INTERRUPTED = 130


def debug_wanted() -> bool:
    """Whether the user asked for tracebacks (``--debug`` or ``MILLSTREAM_DEBUG=1``)."""
    return "--debug" in sys.argv or os.environ.get("MILLSTREAM_DEBUG", "") not in {"", "0"}


def report(error: MillstreamError) -> None:
    """One message and what to do about it, on standard error."""
    errors.print(f"[bold red]error:[/bold red] {escape(str(error))}", soft_wrap=True)
    if error.hint:
        errors.print(f"[yellow]what to do:[/yellow] {escape(error.hint)}", soft_wrap=True)


def exit_reporting(run: Callable[[], object]) -> None:
    """Call ``run``; an error becomes a message and its exit code, with a traceback only when asked for."""
    try:
        run()
    except MillstreamError as error:
        _end(error)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last line: the user gets a message, --debug the traceback
        _end(explained(error))


def _end(error: MillstreamError) -> None:
    if debug_wanted():
        raise error
    report(error)
    sys.exit(error.exit_code)


def explained(error: Exception) -> MillstreamError:
    """An error that no part of the platform expected, as one that says what to do."""
    what = f"{type(error).__name__}: {error}".rstrip(": \n")
    result: MillstreamError
    if type(error).__module__.partition(".")[0] in {"psycopg", "psycopg_pool", "redis", "aiokafka"}:
        result = RetriableError(
            f"a server failed while the command was running ({what})",
            hint="Try again; `millstream doctor` says which server does not answer.",
        )
    elif isinstance(error, OSError):
        result = FatalError(what, hint="Look at the named file, its permissions and the free disk space.")
    else:
        result = FatalError(
            f"Millstream did not expect this ({what})",
            hint="Run it again as `millstream --debug …` and report the traceback.",
        )
    result.__cause__ = error
    return result


def request(model: "type[Model]", **fields: Any) -> "Model":
    """A request of the API. Raises :class:`InputError` that names the fields which are wrong."""
    from pydantic import ValidationError

    try:
        return model(**fields)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise InputError("; ".join(faults), hint="Correct what is named.") from error


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end; Ctrl-C or SIGTERM cancels it, lets it clean up and exits with 130.

    In a notebook, whose kernel already runs a loop, the coroutine gets a thread and a loop of its own.
    """
    import threading

    if threading.current_thread() is threading.main_thread() and not _loop_is_running():
        return _run_stoppable(main)
    return _run_in_thread(main)


def _loop_is_running() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_in_thread(main: Coroutine[Any, Any, T]) -> T:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main).result()


def _run_stoppable(main: Coroutine[Any, Any, T]) -> T:
    import asyncio
    import signal

    async def stoppable() -> T:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await main

    try:
        return asyncio.run(stoppable())
    except (KeyboardInterrupt, asyncio.CancelledError):
        errors.print("[yellow]interrupted: everything that this command started has been stopped[/yellow]")
        raise typer.Exit(INTERRUPTED) from None
