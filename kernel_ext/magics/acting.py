"""``start``, ``stop``, ``halt`` and ``resume``."""

from argparse import Namespace

from millstream.contracts.api.trading import HaltRequest, HaltResult, ResumeRequest
from millstream.contracts.enums import ScopeKind
from millstream.contracts.errors import InputError

from .session import Session
from .views import Lined, Note


def start(ms: Session, given: Namespace) -> None:
    """Have a deployment run."""
    _tell(ms, given, ms.client.start_deployment(given.name))


def stop(ms: Session, given: Namespace) -> None:
    """Have a deployment end."""
    _tell(ms, given, ms.client.stop_deployment(given.name))


def _tell(ms: Session, given: Namespace, found: object) -> None:
    from millstream.contracts.api.promotion import Deployment

    assert isinstance(found, Deployment)  # noqa: S101 - what both operations answer
    note = Note(found.deployment, f" is to be {found.desired_state}; it is {found.state} now")
    ms.answer(found, note, as_json=given.json)


def halt(ms: Session, given: Namespace) -> None:
    """Stop trading in a scope."""
    scope, scope_id = scope_of(given)
    request = HaltRequest(scope=scope, scope_id=scope_id, reason=given.reason, reduce_only=given.reduce_only)
    result = ms.client.halt(request)
    ms.answer(result, _halted(result), as_json=given.json)


def _halted(result: HaltResult) -> Lined:
    scope = f": {result.halt.scope} {result.halt.scope_id}".rstrip()
    notes = [Note(result.halt.state, scope, "bad")]
    notes += [Note("canceling ", f"order {order}") for order in result.working]
    if not result.sealed:
        notes.append(Note("a send was still in flight", ": look at %ms orders, then halt again", "bad"))
    return Lined(notes)


def resume(ms: Session, given: Namespace) -> None:
    """Allow trading in a scope again."""
    scope, scope_id = scope_of(given)
    found = ms.client.resume(ResumeRequest(scope=scope, scope_id=scope_id, reason=given.reason))
    note = Note(found.state, f": {found.scope} {found.scope_id}".rstrip(), "good")
    ms.answer(found, note, as_json=given.json)


def scope_of(given: Namespace) -> tuple[ScopeKind, str]:
    """The one scope that was named. Raises :class:`InputError` unless it is exactly one."""
    named = {
        ScopeKind.DEPLOYMENT: given.deployment,
        ScopeKind.PORTFOLIO: given.portfolio,
        ScopeKind.INSTRUMENT: given.instrument,
    }
    chosen = [(kind, name) for kind, name in named.items() if name]
    if len(chosen) + getattr(given, "global") != 1:
        raise InputError(
            "say what is meant, once", hint="Give one of --global, --deployment, --portfolio and --instrument."
        )
    return chosen[0] if chosen else (ScopeKind.GLOBAL, "")
