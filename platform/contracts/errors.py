"""Errors, named by the reaction they need.

Every error of Millstream derives from :class:`MillstreamError` and carries a ``hint``: what the reader can do about it.
"""

# How a traceback, in a notebook too, shows the hint.
HINT = "What to do: "


class MillstreamError(Exception):
    """Base of all Millstream errors: a message that says what was wrong and a hint that says what to do."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(f"{HINT}{hint}")


class ConfigurationError(MillstreamError):
    """A setting, an option or an environment is wrong: a person has to change it."""

    exit_code = 2


class InputError(MillstreamError):
    """What the user gave (a file, a parameter, a notebook, a name) is wrong: a person has to correct it."""

    exit_code = 2


class NotFoundError(InputError):
    """The named thing does not exist."""

    exit_code = 3


class ConflictError(InputError):
    """The request contradicts the present state (already running, already taken)."""

    exit_code = 4


class RetriableError(MillstreamError):
    """A passing fault (a broker, a server, the network): the same call may succeed later."""

    exit_code = 5


class FatalError(MillstreamError):
    """The process cannot go on safely: it must stop, and recovery happens at its next start."""

    exit_code = 6


class FencedError(FatalError):
    """Another instance holds the fence or lease now: this one must not act any more."""


class IntegrityError(FatalError):
    """Stored or received facts contradict each other (same id, other numbers; an impossible transition)."""


class UndecodableMessageError(MillstreamError):
    """Bytes from the bus are not an event of a known type and schema version: dead letter."""
