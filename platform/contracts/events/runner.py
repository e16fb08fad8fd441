"""``runner.events``: what runners and the supervisor say about runners."""

from typing import Literal

from ..enums import RunnerState
from .base import Event


class RunnerEvent(Event, frozen=True, kw_only=True):
    """Which runner speaks: a deployment's, under this epoch."""

    deployment_id: str
    epoch: int
    session: str = ""


class RunnerStateChanged(RunnerEvent, frozen=True, kw_only=True, tag="runner.state"):
    """``message`` says why, for people; ``notebook`` is the path of the executed notebook."""

    state: RunnerState
    message: str = ""
    notebook: str = ""


class RunnerHeartbeat(RunnerEvent, frozen=True, kw_only=True, tag="runner.heartbeat"):
    """``ts`` is the market time of the last slice the runner finished (0 before the first)."""

    ts: int
    lag_ns: int = 0


class SliceFinished(RunnerEvent, frozen=True, kw_only=True, tag="runner.slice"):
    """The runner has finished the slice that closed at ``ts``; these are all its intents of it, published before."""

    ts: int
    intents: tuple[str, ...] = ()


class RunnerLog(RunnerEvent, frozen=True, kw_only=True, tag="runner.log"):
    """A piece of what the notebook printed."""

    stream: Literal["stdout", "stderr"]
    text: str
