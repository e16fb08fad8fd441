"""Why a runner ended, in words."""

import signal
from pathlib import Path

import nbformat

from .outcome import running_cell


def of_exit(code: int) -> str:
    """What an exit code says of a process that could not say anything itself."""
    if code >= 0:
        return f"ended with exit code {code}; see its log"
    hint = {signal.SIGKILL: " (out of memory?)", signal.SIGSEGV: " (a crash in a compiled library)"}
    return f"killed by signal {-code}{hint.get(signal.Signals(-code), '')}"


def never_ready(folder: Path, seconds: float) -> str:
    """Why a runner did not reach its live loop: mostly a cell that does not end."""
    notebook = folder / "notebook.ipynb"
    where = running_cell(nbformat.read(notebook, as_version=4)) if notebook.exists() else ""
    return f"did not reach run() within {seconds:g} s" + (f": {where} has not ended" if where else "")
