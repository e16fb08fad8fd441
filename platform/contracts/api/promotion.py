"""Releases, deployments and their runners."""

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from ..enums import Target
from .base import Answer, Request, Time


class Release(Answer):
    """A registered bundle, ``name@version``; ``report`` is what the backtest of its promotion reported."""

    ref: str
    name: str
    version: int
    bundle: str
    strategy: str
    instruments: tuple[str, ...]
    timeframe: str
    parameters: dict[str, Any]
    report: dict[str, Any]
    author: str
    created_at: Time


class Parameter(Answer):
    """A parameter that a notebook declares: ``element`` is the kind of what a list holds, ``optional`` allows null.

    Kinds are ``bool``, ``int``, ``float``, ``str``, ``list`` and, for any of these but a list, ``any``.
    """

    name: str
    kind: str
    default: Any
    element: str = "any"
    optional: bool = False


class NotebookInspection(Answer):
    """What a strategy notebook declares, before it is promoted."""

    notebook: str
    name: str
    parameters: tuple[Parameter, ...]
    warnings: tuple[str, ...] = ()


class Promotion(Request):
    """A notebook to promote: its path under the workspace that JupyterLab shows; ``parameters`` are JSON scalars."""

    notebook: str = Field(min_length=1, examples=["strategies/sma_cross.ipynb"])
    target: Target = Target.PAPER
    parameters: dict[str, Any] = Field(default_factory=dict, examples=[{"symbol": "AAPL"}])
    capital: Decimal = Field(default=Decimal(100_000), gt=0)
    session: str | None = None
    limits: dict[str, Any] = Field(default_factory=dict)
    name: str = ""


class NewDeployment(Request):
    """A registered release to put to work."""

    release: str = Field(min_length=1, examples=["sma_cross@1"])
    target: Target = Target.PAPER
    capital: Decimal = Field(default=Decimal(100_000), gt=0)
    session: str | None = None
    limits: dict[str, Any] = Field(default_factory=dict)
    name: str = ""
    on_lease_lost: Literal["cancel", "hold", "keep"] = "cancel"
    start: bool = True


class DeploymentChange(Request):
    """What to change of a deployment; limits that are not named stay. Only the given fields change."""

    limits: dict[str, Any] | None = None
    on_lease_lost: Literal["cancel", "hold", "keep"] | None = None


class Deployment(Answer):
    """A deployment with its runner, its money and its halt.

    ``state`` and ``message`` are the runner's; ``halt`` is ``active``, ``reduce_only`` or ``halted``, of the strictest
    scope that holds it; ``paused`` says that its own scope is reduced or halted. P&L is in ``currency``.
    """

    deployment: str
    release: str
    strategy: str
    target: Target
    portfolio: str
    session: str
    instruments: tuple[str, ...]
    timeframe: str
    parameters: dict[str, Any]
    limits: dict[str, Any]
    on_lease_lost: str
    desired_state: str
    state: str
    message: str = ""
    halt: str = "active"
    paused: bool = False
    epoch: int
    restarts: int = 0
    heartbeat_at: Time | None = None
    last_slice: Time | None = None
    author: str
    created_at: Time
    currency: str
    initial_cash: Decimal
    equity: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal


class Runner(Answer):
    """A runner process; ``runs`` are the epochs whose executed notebook is kept, the newest first."""

    deployment: str
    epoch: int
    state: str
    message: str = ""
    pid: int
    host: str
    restarts: int
    heartbeat_at: Time | None = None
    started_at: Time | None = None
    runs: tuple[int, ...] = ()


class LogText(Answer):
    """A part of a runner's log; read on from ``next``."""

    text: str
    next: int
