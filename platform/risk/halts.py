"""The kill switch as rules see it: the strictest state of all scopes that cover an order."""

from dataclasses import dataclass

from ..contracts.enums import HaltState, ScopeKind


@dataclass(frozen=True, slots=True)
class Halt:
    """State of one scope; ``scope_id`` is empty for the global one."""

    scope: ScopeKind
    scope_id: str
    state: HaltState
    reason: str = ""


_SEVERITY = {HaltState.ACTIVE: 0, HaltState.REDUCE_ONLY: 1, HaltState.HALTED: 2}


class Halts:
    """All scopes that are not active."""

    __slots__ = ("_halts",)

    def __init__(self) -> None:
        self._halts: dict[tuple[ScopeKind, str], Halt] = {}

    def set(self, halt: Halt) -> None:
        """Take over the state of a scope; ``active`` removes it."""
        key = (halt.scope, halt.scope_id)
        if halt.state is HaltState.ACTIVE:
            self._halts.pop(key, None)
        else:
            self._halts[key] = halt

    def replace(self, halts: "list[Halt]") -> None:
        """Take over a whole reading of the table ``halts``."""
        self._halts.clear()
        for halt in halts:
            self.set(halt)

    def state(self, scope: ScopeKind, scope_id: str) -> HaltState:
        """The state of one scope alone."""
        found = self._halts.get((scope, scope_id))
        return HaltState.ACTIVE if found is None else found.state

    def effective(self, *, portfolio_id: str, deployment_id: str, instrument: str) -> Halt | None:
        """The strictest halt that covers such an order; None when all its scopes are active."""
        if not self._halts:
            return None
        keys = (
            (ScopeKind.GLOBAL, ""),
            (ScopeKind.PORTFOLIO, portfolio_id),
            (ScopeKind.DEPLOYMENT, deployment_id),
            (ScopeKind.INSTRUMENT, instrument),
        )
        found = [halt for key in keys if (halt := self._halts.get(key)) is not None]
        return max(found, key=lambda halt: _SEVERITY[halt.state], default=None)
