"""What a runner process is told when it starts; it goes over a socket, never onto a command line."""

from pathlib import Path

import msgspec

from ..bootstrap import Endpoints
from ..bus.base import EventBus
from ..bus.factory import BusKind, create_bus
from ..contracts.clock import Clock
from ..market.lifetime import lifetime
from ..promotion.runs import NOTEBOOK


class RunnerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One runner of one deployment under one epoch. ``session_clock`` is ``wall`` or ``market``.

    ``session_speed`` is bars a second (0: as fast as possible); a market that ``session_waits`` goes on when all that
    was decided in a slice is settled.
    ``database_url`` and ``bus_address`` may hold passwords: the representation leaves them out.
    """

    deployment_id: str
    epoch: int
    portfolio_id: str
    session: str
    session_clock: str
    session_speed: float = 0.0
    session_waits: bool = False
    instruments: tuple[str, ...]
    timeframe: str
    parameters: dict[str, object]
    bundle: str
    bundle_store: str
    folder: str
    database_url: str
    bus_kind: BusKind
    bus_address: str
    namespace: str = ""
    bus_patience: float = 30.0
    heartbeat_seconds: float = 1.0
    intent_ttl_seconds: float = 30.0
    log_level: str = "info"

    def __repr__(self) -> str:
        return f"RunnerSpec({self.deployment_id}, epoch {self.epoch})"

    @property
    def notebook(self) -> Path:
        return Path(self.folder) / NOTEBOOK

    @property
    def log_file(self) -> Path:
        return Path(self.folder) / "runner.log"

    @property
    def outcome_file(self) -> Path:
        return Path(self.folder) / "outcome.json"

    @property
    def intent_ttl(self) -> int:
        """Time to live of an intent in ns on the session's clock."""
        return lifetime(
            self.intent_ttl_seconds,
            clock=self.session_clock,
            timeframe=self.timeframe,
            speed=self.session_speed,
            waits=self.session_waits,
        )

    def bus(self, clock: Clock) -> EventBus:
        """The bus this runner talks to, not yet open."""
        return create_bus(
            self.bus_kind,
            self.bus_address,
            clock=clock,
            namespace=self.namespace,
            patience=self.bus_patience,
        )


def addresses(endpoints: Endpoints) -> dict[str, str]:
    """The part of a spec that says where the servers are."""
    return {
        "database_url": endpoints.database_url,
        "bus_kind": endpoints.bus_kind,
        "bus_address": endpoints.bus_address,
    }
