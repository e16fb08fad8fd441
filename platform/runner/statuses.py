"""How a cell and a notebook stand; the texts are part of the executed notebook."""

from enum import StrEnum


class CellStatus(StrEnum):
    """``SKIPPED``: a research cell, or one behind the cell where the run ended."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"
    SKIPPED = "skipped"


class RunStatus(StrEnum):
    """How the whole notebook stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"
