"""Health of the services."""

from pydantic import Field

from .base import Answer


class Check(Answer):
    """One thing that must work: ``ok``, and what was seen."""

    name: str
    ok: bool
    detail: str = ""
    seconds: float = 0.0


class Health(Answer):
    """``status`` is ``ok`` when every check is, else ``degraded``."""

    status: str
    version: str
    checks: tuple[Check, ...] = ()
    screens: dict[str, str] = Field(default_factory=dict)
