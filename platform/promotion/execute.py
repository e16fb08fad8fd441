"""Executing a bundle once with papermill, in backtest mode, before it may become a release."""

import asyncio
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import v4

from ..contracts.errors import HINT, InputError
from .bundle import Bundle
from .environment import scrubbed
from .files import write_atomic
from .inspect import RESEARCH
from .kernel import NAME, fresh_kernel
from .numbering import failed_cell, source_number

if TYPE_CHECKING:
    from papermill.exceptions import PapermillExecutionError

REPORT_MIME = "application/vnd.millstream.report+json"
CELL_SECONDS = 300.0
_SHOWN_LINES = 12
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class ExecutionError(InputError):
    """The notebook did not run to its end. ``notebook`` is the executed notebook, kept for reading."""

    def __init__(self, message: str, *, hint: str, notebook: Path) -> None:
        super().__init__(message, hint=hint)
        self.notebook = notebook


@dataclass(frozen=True, slots=True)
class Execution:
    """``report`` is what ``run`` reported of the backtest: strategy, instruments, timeframe, statistics."""

    report: dict[str, Any]
    notebook: Path


def execute(
    bundle: Bundle, output: Path, *, environment: dict[str, str] | None = None, cell_seconds: float = CELL_SECONDS
) -> Execution:
    """Run the bundle's notebook top to bottom in a fresh kernel; blocks. Research cells are skipped.

    ``environment`` is added to the kernel's. Raises :class:`ExecutionError` for a cell that fails, takes longer than
    ``cell_seconds`` or kills the kernel, and for a notebook that reports nothing; ``output`` then tells the same.
    """
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    output.parent.mkdir(parents=True, exist_ok=True)
    variables = {**scrubbed(os.environ), "MILLSTREAM_RUNTIME": "backtest", **(environment or {})}
    try:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(_run, bundle, output, variables, cell_seconds).result()
    except PapermillExecutionError as error:
        raise _failed(output, *_what_failed(output, error)) from error
    except CellTimeoutError as error:
        message = f"did not end within {cell_seconds:g} s"
        raise _failed(
            output, message, "Make it quicker, or tag it research if it is not part of the strategy."
        ) from error
    except DeadKernelError as error:
        message = "killed the kernel (out of memory?)"
        raise _failed(output, message, "Load less data, or run on a larger machine.") from error
    _tell_skipped(output)
    return Execution(_report(output), output)


def _run(bundle: Bundle, output: Path, variables: dict[str, str], cell_seconds: float) -> None:
    """Run papermill in this thread, which has no event loop yet, and close the one that jupyter makes and leaves."""
    import papermill
    from jupyter_core.utils import ensure_event_loop

    try:
        with fresh_kernel(variables) as manager:
            papermill.execute_notebook(
                _literal(bundle.notebook),
                _literal(output),
                bundle.manifest.parameters,
                kernel_name=NAME,
                language="python",
                progress_bar=False,
                execution_timeout=cell_seconds,
                skip_cells_with_tag=RESEARCH,
                kernel_manager_class=manager,
                shutdown_kernel="immediate",
            )
    finally:
        loop = ensure_event_loop()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        asyncio.set_event_loop(None)


def _report(output: Path) -> dict[str, Any]:
    notebook = nbformat.read(output, as_version=4)
    for cell in reversed(notebook.cells):
        for item in cell.get("outputs", []):
            found = item.get("data", {}).get(REPORT_MIME)
            if found is not None:
                return dict(found)
    raise ExecutionError(
        "the notebook ran, but its run() reported nothing",
        hint=f"Let the last cell show what `await run(...)` returns (no semicolon). Executed: {output}",
        notebook=output,
    )


def _failed(output: Path, message: str, hint: str) -> ExecutionError:
    """Say in the executed notebook what happened (papermill marks unfinished cells completed), and make the error."""
    _tell_skipped(output)
    if not message.startswith("cell "):
        message = f"{_mark_last(output, message)} {message}"
    return ExecutionError(message.rstrip(), hint=f"{hint} Executed notebook: {output}", notebook=output)


def _mark_last(output: Path, message: str) -> str:
    """Mark the cell that was started last as failed; which one that is."""
    notebook = nbformat.read(output, as_version=4)
    started = [
        number for number, cell in enumerate(notebook.cells) if cell.metadata.get("papermill", {}).get("start_time")
    ]
    if not started:
        return "the first cell"
    cell = notebook.cells[started[-1]]
    cell.metadata.papermill.update(status="failed", exception=True)
    notebook.metadata.papermill["exception"] = True
    if cell.cell_type == "code":
        cell.outputs.append(v4.new_output("error", ename="Stopped", evalue=message, traceback=[message]))
    write_atomic(output, nbformat.writes(notebook).encode())
    return f"cell {source_number(notebook, started[-1])}"


def _tell_skipped(output: Path) -> None:
    """Papermill calls every cell completed: those that did not run were skipped."""
    notebook = nbformat.read(output, as_version=4)
    for cell in notebook.cells:
        meta = cell.metadata.get("papermill", {})
        if meta and (meta.get("start_time") is None or RESEARCH in cell.metadata.get("tags", [])):
            meta["status"] = "skipped"
    write_atomic(output, nbformat.writes(notebook).encode())


def _what_failed(output: Path, error: "PapermillExecutionError") -> tuple[str, str]:
    """Message and hint of a cell that raised: an error of ours says all of it, any other needs its traceback."""
    lines = _ANSI.sub("", "\n".join(error.traceback)).splitlines()
    hints = [line.removeprefix(HINT) for line in lines if line.startswith(HINT)]
    if hints:
        return f"{failed_cell(output)} failed: {error.evalue}", hints[-1]
    message = f"{failed_cell(output)} failed: {error.ename}: {error.evalue}\n{_shorten(lines)}"
    return message, "Correct the cell and promote again."


def _shorten(lines: list[str]) -> str:
    """The end of a traceback: where the notebook's own code stands."""
    return "\n".join(["  …", *lines[-_SHOWN_LINES:]] if len(lines) > _SHOWN_LINES else lines)


def _literal(path: Path) -> str:
    """Papermill formats paths with the parameters: braces of a folder's name must survive that."""
    return str(path).replace("{", "{{").replace("}", "}}")
