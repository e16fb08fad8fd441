"""Where runners are started: on this machine by forking, on a cluster one day by its scheduler."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass

from .spec import RunnerSpec


@dataclass(frozen=True, slots=True)
class Exit:
    """A runner has ended. ``code`` is its exit code, below zero the signal that killed it."""

    deployment_id: str
    epoch: int
    code: int


class Launcher(ABC):
    """Starts, signals and watches runner processes. ``exits`` receives each end exactly once."""

    def __init__(self) -> None:
        self.exits: asyncio.Queue[Exit] = asyncio.Queue()

    @abstractmethod
    async def open(self) -> None:
        """Make ready, so that the first start is quick."""

    @abstractmethod
    async def start(self, spec: RunnerSpec) -> int:
        """Start a runner and return its process id. Raises :class:`RetriableError` when it could not be started."""

    @abstractmethod
    async def stop(self, deployment_id: str, epoch: int) -> None:
        """Ask a runner to end; harmless when it has."""

    @abstractmethod
    async def kill(self, deployment_id: str, epoch: int) -> None:
        """End a runner at once; harmless when it has."""

    @abstractmethod
    async def close(self) -> None:
        """Kill what still runs and release everything."""
