"""An IPython shell inside this process whose outputs go to the cell that is running."""

import asyncio
import atexit
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from traitlets.config import Config

from .logfile import LogFile
from .outputs import CellOutputs
from .stopping import StopRequested


class Recorder:
    """Where outputs go: the running cell's, or only the log between cells."""

    def __init__(self, log: LogFile | None) -> None:
        self.log = log
        self.cell: CellOutputs | None = None
        self.earlier: list[CellOutputs] = []

    def stream(self, name: str, text: str) -> None:
        if self.log is not None:
            self.log.write(text)
        if self.cell is not None:
            self.cell.stream(name, text)

    def update(self, data: dict[str, Any], metadata: dict[str, Any] | None, display_id: str) -> None:
        """Update the display wherever it stands: an earlier cell's output may be updated by a later one."""
        cells = [*self.earlier, self.cell] if self.cell is not None else self.earlier
        for cell in cells:
            cell.update(data, metadata, display_id)


class _Writer(io.TextIOBase):
    """Standard output or error of the notebook."""

    encoding = "utf-8"

    def __init__(self, recorder: Recorder, name: str, descriptor: int) -> None:
        super().__init__()
        self._recorder = recorder
        self._name = name
        self._descriptor = descriptor

    def write(self, text: str) -> int:
        self._recorder.stream(self._name, text)
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor


class _Publisher(DisplayPublisher):
    recorder: Recorder

    def publish(  # type: ignore[override]
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_unused: Any,
    ) -> None:
        display_id = (transient or {}).get("display_id")
        if update and display_id is not None:
            self.recorder.update(data, metadata, display_id)
        elif self.recorder.cell is not None:
            self.recorder.cell.display(data, metadata, display_id)

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - IPython's signature
        if self.recorder.cell is not None:
            self.recorder.cell.clear(wait=wait)


class _Hook(DisplayHook):
    recorder: Recorder

    def write_output_prompt(self) -> None:
        """The notebook shows the execution count beside the cell."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        if self.recorder.cell is not None:
            self.recorder.cell.result(format_dict, md_dict, self.prompt_count)

    def log_output(self, format_dict: dict[str, Any]) -> None:
        """IPython's session log and output history are not kept: they grow for as long as the runner lives."""

    def finish_displayhook(self) -> None:
        self._is_active = False


class RunnerShell(InteractiveShell):
    """Use :func:`open_shell`."""

    displayhook_class = _Hook
    display_pub_class = _Publisher
    display_pub: _Publisher
    displayhook: _Hook
    recorder: Recorder

    def enable_gui(self, gui: Any = None) -> None:
        """A runner has no window."""

    def showtraceback(self, *args: Any, **kwargs: Any) -> None:
        """Record an error, except the interruption that a stop request is."""
        if not isinstance(sys.exc_info()[1], StopRequested | asyncio.CancelledError):
            super().showtraceback(*args, **kwargs)

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: Any) -> None:
        lines = stb if isinstance(stb, list) else [str(stb)]
        hint = getattr(evalue, "hint", "")
        if self.recorder.log is not None:
            self.recorder.log.write("\n".join(lines) + "\n")
        if self.recorder.cell is not None:
            self.recorder.cell.error(etype.__name__, f"{evalue} {hint}".strip() if hint else str(evalue), lines)


@contextmanager
def open_shell(recorder: Recorder, folder: str) -> Iterator[RunnerShell]:
    """A shell that is ``get_ipython()`` of this process until the end of the block; its profile stands in ``folder``.

    Standard output and error go to ``recorder`` meanwhile.
    """
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.cache_size = 0
    config.InteractiveShell.colors = "neutral"
    main = sys.modules["__main__"]
    shell = RunnerShell.instance(config=config, profile_dir=ProfileDir(location=folder))
    shell.recorder = shell.display_pub.recorder = shell.displayhook.recorder = recorder
    try:
        with redirect_stdout(_Writer(recorder, "stdout", 1)), redirect_stderr(_Writer(recorder, "stderr", 2)):
            yield shell
    finally:
        finish: Any = shell.atexit_operations
        finish()
        atexit.unregister(finish)
        RunnerShell.clear_instance()
        sys.modules["__main__"] = main
