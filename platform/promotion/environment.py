"""The environment that a notebook's process gets: what it needs, by name, and no key or password of anything else."""

from collections.abc import Mapping

from ..ops.settings import Settings

_NAMES = frozenset(
    {
        "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED",
        "PYTHONPATH", "PYTHONWARNINGS", "SHELL", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ", "USER",
        "VIRTUAL_ENV",
    }
)  # fmt: skip
_SECRET_SETTINGS = frozenset({"database_url", "redis_url"})


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """The entries of ``environment`` that a notebook may see: a list of names, so that a new secret is left out too.

    Millstream's own settings pass, except the addresses of servers, which may hold passwords.
    """
    settings = {f"MILLSTREAM_{name.upper()}" for name in Settings.model_fields.keys() - _SECRET_SETTINGS}
    return {
        name: value
        for name, value in environment.items()
        if name in _NAMES or name in settings or name.startswith("LC_")
    }
