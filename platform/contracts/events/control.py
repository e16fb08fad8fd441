"""``control.commands``, ``alerts`` and ``dead.letters``. The database is the truth; a command is a prompt to look."""

from typing import Literal

from ..enums import HaltState, ScopeKind
from .base import Event


class HaltChanged(Event, frozen=True, kw_only=True, tag="halt.changed"):
    """The kill switch of a scope changed. ``scope_id`` is empty for the global scope."""

    scope: ScopeKind
    state: HaltState
    actor: str
    reason: str
    scope_id: str = ""


class CancelOrders(Event, frozen=True, kw_only=True, tag="orders.cancel"):
    """Cancel every working order of a scope (a lost lease, an operator).

    ``orders`` narrows it to those orders (by id); empty: all of the scope.
    """

    scope: ScopeKind
    actor: str
    reason: str
    scope_id: str = ""
    orders: tuple[str, ...] = ()


class DeploymentChanged(Event, frozen=True, kw_only=True, tag="deployment.changed"):
    """A deployment was created, its desired state, limits or epoch changed: read its row again."""

    deployment_id: str
    portfolio_id: str
    epoch: int


class AlertRaised(Event, frozen=True, kw_only=True, tag="alert.raised"):
    """Something that a person should know; ``code`` is stable, ``message`` is for reading."""

    source: str
    severity: Literal["info", "warning", "critical"]
    code: str
    message: str
    scope: ScopeKind = ScopeKind.GLOBAL
    scope_id: str = ""


class DeadLetter(Event, frozen=True, kw_only=True, tag="dead.letter"):
    """A record that could not be used; ``payload`` is its bytes in base64, ``reason`` says why."""

    topic: str
    partition: int
    offset: int
    source: str
    reason: str
    payload: str
