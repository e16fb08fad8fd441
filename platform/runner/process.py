"""The body of a runner process: executes the promoted notebook with papermill and says how it ended."""

import faulthandler
from pathlib import Path
from typing import Any

import papermill
import structlog
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import papermill_io

from ..contracts.enums import RunnerState
from ..contracts.errors import MillstreamError
from ..ops.clock import WallClock
from ..ops.logging import configure_logging
from ..promotion.bundle import BundleStore
from ..promotion.files import write_atomic
from ..promotion.numbering import failed_cell
from ..sdk.runtime import use_runtime
from .engine import KERNEL, LANGUAGE
from .live import LiveRuntime
from .logfile import LogFile
from .outcome import Outcome, write_outcome
from .spec import RunnerSpec
from .statuses import RunStatus

ENGINE = "millstream"
_log = structlog.get_logger()


class _AtomicFiles:
    """papermill's way to write a notebook, for the folder of this run: whole files only."""

    def read(self, path: str) -> str:
        return Path(path).read_text(encoding="utf-8")

    def listdir(self, path: str) -> list[str]:
        return [str(found) for found in Path(path).iterdir()]

    def write(self, text: str, path: str) -> None:
        write_atomic(Path(path), text.encode())

    def pretty_path(self, path: str) -> str:
        return path


def run(spec: RunnerSpec) -> int:
    """Execute the notebook of ``spec``; the exit code (0: completed or stopped, 1: failed)."""
    Path(spec.folder).mkdir(parents=True, exist_ok=True)
    log = LogFile(spec.log_file, own_stdio=True)
    configure_logging("runner", spec.log_level)
    structlog.contextvars.bind_contextvars(deployment=spec.deployment_id, epoch=spec.epoch)
    faulthandler.enable()
    outcome = _outcome(spec, log)
    _log.info("runner ends", state=outcome.state, message=outcome.message)
    write_outcome(spec.outcome_file, outcome)
    return int(outcome.state is RunnerState.FAILED)


def _outcome(spec: RunnerSpec, log: LogFile) -> Outcome:
    try:
        notebook = _execute(spec, log)
    except PapermillExecutionError as error:
        return Outcome(state=RunnerState.FAILED, message=describe(error, spec.notebook))
    except MillstreamError as error:
        return Outcome(state=RunnerState.FAILED, message=f"{error} {error.hint}".strip())
    except Exception as error:  # noqa: BLE001 - whatever it was, the runner says so in its outcome
        _log.exception("the notebook could not be executed")
        return Outcome(state=RunnerState.FAILED, message=f"{type(error).__name__}: {error}")
    status = notebook.metadata["millstream"]["status"]
    if status == RunStatus.FAILED:
        return Outcome(state=RunnerState.FAILED, message="the notebook failed; see its log")
    return Outcome(state=RunnerState.STOPPED if status == RunStatus.STOPPED else RunnerState.COMPLETED)


def _execute(spec: RunnerSpec, log: LogFile) -> Any:
    bundle = BundleStore(Path(spec.bundle_store)).verify(spec.bundle)
    papermill_io.register(f"{spec.folder}/", _AtomicFiles())
    with use_runtime(LiveRuntime(spec, WallClock())):
        return papermill.execute_notebook(
            _literal(bundle.notebook),
            _literal(spec.notebook),
            spec.parameters,
            engine_name=ENGINE,
            kernel_name=KERNEL,
            language=LANGUAGE,
            progress_bar=False,
            log=log,
        )


def describe(error: PapermillExecutionError, executed: Path) -> str:
    """The exception and its cell (as the source counts), in one line."""
    return f"{error.ename}: {error.evalue} ({failed_cell(executed)}, In [{error.exec_count}])"


def _literal(path: Path) -> str:
    """Papermill formats paths with the parameters: braces of a folder's name must survive that."""
    return str(path).replace("{", "{{").replace("}", "}}")
