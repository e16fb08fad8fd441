"""Runs the cells of a notebook and keeps the record: each cell's status, outputs and times, saved atomically."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, v4

from ..contracts.time import iso
from ..ops.clock import WallClock
from ..promotion.files import write_atomic
from .logfile import LogFile
from .outputs import CellOutputs
from .shell import Recorder, RunnerShell, open_shell
from .statuses import CellStatus, RunStatus
from .stopping import StopRequested, StopSignals

RESEARCH = "research"


class NotebookRun:
    """One execution of ``nb``, in place. ``output_path`` may be none (nothing saved) or what papermill can write."""

    def __init__(
        self, nb: NotebookNode, output_path: str | None, *, log: LogFile | None, autosave_seconds: float
    ) -> None:
        self._nb = nb
        self._path = output_path
        self._autosave_seconds = autosave_seconds
        self._clock = WallClock()
        self._recorder = Recorder(log)
        self._stop = StopSignals()
        self._cells: list[tuple[Any, CellOutputs]] = []

    def execute(self) -> NotebookNode:
        """Run to the end, to the first error, or until a stop signal; the notebook says which."""
        self._begin()
        status = RunStatus.FAILED
        try:
            with (
                tempfile.TemporaryDirectory(prefix=".ipython-", dir=self._folder()) as folder,
                self._stop,
                open_shell(self._recorder, folder) as shell,
                asyncio.Runner() as runner,
            ):
                status = runner.run(self._run_all(shell))
        finally:
            self._end(status)
        return self._nb

    def _folder(self) -> Path | None:
        """Where the notebook is saved: what a killed run leaves behind goes with its record."""
        folder = Path(self._path).parent if self._path else None
        return folder if folder is not None and folder.is_dir() else None

    async def _run_all(self, shell: RunnerShell) -> RunStatus:
        saver = asyncio.create_task(self._save_regularly())
        try:
            for cell in self._nb.cells:
                status = await self._run_one(shell, cell)
                if status is CellStatus.FAILED:
                    return RunStatus.FAILED
                if status is CellStatus.STOPPED or self._stop.requested:
                    return RunStatus.STOPPED
            return RunStatus.COMPLETED
        finally:
            saver.cancel()

    async def _run_one(self, shell: RunnerShell, cell: Any) -> CellStatus:
        if cell.cell_type != "code":
            return self._mark(cell, CellStatus.COMPLETED)
        if RESEARCH in cell.metadata.get("tags", []):
            return self._mark(cell, CellStatus.SKIPPED)
        outputs = CellOutputs(self._clock.monotonic)
        self._cells.append((cell, outputs))
        self._recorder.cell = outputs
        self._mark(cell, CellStatus.RUNNING)
        self._save()
        try:
            status = await self._execute(shell, cell)
        finally:
            self._recorder.cell = None
            self._recorder.earlier.append(outputs)
            outputs.flush()
            self._collect()
        self._mark(cell, status)
        self._save()
        return status

    async def _execute(self, shell: RunnerShell, cell: Any) -> CellStatus:
        cell.execution_count = shell.execution_count
        task = asyncio.create_task(_run_cell(shell, cell.source))
        self._stop.watch(task)
        try:
            error = await task
        except (StopRequested, asyncio.CancelledError) as stopped:
            error = stopped
        finally:
            self._stop.unwatch()
        if error is None:
            return CellStatus.COMPLETED
        if self._stop.requested and isinstance(error, StopRequested | asyncio.CancelledError):
            return CellStatus.STOPPED
        if isinstance(error, asyncio.CancelledError):
            self._cells[-1][1].error("CancelledError", "the cell cancelled itself", [])
        return CellStatus.COMPLETED if isinstance(error, SystemExit) and not error.code else CellStatus.FAILED

    def _begin(self) -> None:
        self._started = self._clock.monotonic()
        self._meta().update(start_time=iso(self._clock.now()), end_time=None, duration=None, exception=None)
        self._nb.metadata["millstream"] = {"status": str(RunStatus.RUNNING)}
        for cell in self._nb.cells:
            cell.metadata.papermill = NotebookNode(
                exception=None, start_time=None, end_time=None, duration=None, status=str(CellStatus.PENDING)
            )
            if cell.cell_type == "code":
                cell.execution_count = None
                cell.outputs = []
        self._save()

    def _end(self, status: RunStatus) -> None:
        for cell in self._nb.cells:
            if cell.metadata.papermill.status == CellStatus.PENDING:
                cell.metadata.papermill.status = str(CellStatus.SKIPPED)
            elif cell.metadata.papermill.status == CellStatus.RUNNING:
                self._mark(cell, CellStatus.FAILED)
        self._meta().update(end_time=iso(self._clock.now()), duration=self._seconds(self._started))
        if status is RunStatus.FAILED:
            self._meta()["exception"] = True
        self._nb.metadata["millstream"] = {"status": str(status), "signal": self._stop.requested}
        self._save()

    def _mark(self, cell: Any, status: CellStatus) -> CellStatus:
        meta = cell.metadata.papermill
        meta.status = str(status)
        if status is CellStatus.RUNNING:
            meta.start_time, meta.exception = iso(self._clock.now()), False
            self._cell_started = self._clock.monotonic()
        elif meta.start_time is not None:
            meta.end_time, meta.duration = iso(self._clock.now()), self._seconds(self._cell_started)
        if status is CellStatus.FAILED:
            meta.exception = True
        return status

    def _meta(self) -> Any:
        return self._nb.metadata.setdefault("papermill", {})

    def _seconds(self, since: int) -> float:
        return (self._clock.monotonic() - since) / 1e9

    def _collect(self) -> bool:
        """Move what changed into the notebook; whether anything did."""
        changed = [(cell, outputs) for cell, outputs in self._cells if outputs.changed]
        for cell, outputs in changed:
            cell.outputs = outputs.nodes()
        return bool(changed)

    async def _save_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._autosave_seconds)
            for _, outputs in self._cells:
                outputs.flush(only_due=True)
            if self._collect():
                # The file is written beside the loop: a slow disk must not delay a decision.
                await asyncio.to_thread(self._write, v4.writes_json(self._nb))

    def _save(self) -> None:
        if self._path is not None:
            self._write(v4.writes_json(self._nb))

    def _write(self, text: str) -> None:
        if self._path is None:
            return
        if "://" in self._path:
            from papermill.iorw import papermill_io

            papermill_io.write(text, self._path)
        else:
            write_atomic(Path(self._path), text.encode())


async def _run_cell(shell: Any, source: str) -> BaseException | None:
    """Run one cell and return what it raised, if anything."""
    failed = None
    try:
        transformed = shell.transform_cell(source)
    except Exception as error:  # noqa: BLE001 - whatever a transformer raised is shown as the cell's error
        transformed, failed = source, (type(error), error, error.__traceback__)
    result = await shell.run_cell_async(
        source, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=failed
    )
    shell.events.trigger("post_execute")
    shell.events.trigger("post_run_cell", result)
    raised: BaseException | None = result.error_before_exec or result.error_in_exec
    return raised
