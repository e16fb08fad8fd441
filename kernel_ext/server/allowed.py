"""Which routes of the gateway the server extension passes on: those that JupyterLab's panel uses, and no other."""

import re
from urllib.parse import unquote

_NAME = r"[A-Za-z0-9._@:%~-]+"

READS = (
    "me",
    "health",
    "overview",
    "releases",
    f"releases/{_NAME}",
    "notebooks",
    "notebooks/list",
    f"operations/{_NAME}",
    "deployments",
    f"deployments/{_NAME}",
    f"deployments/{_NAME}/log",
    f"deployments/{_NAME}/runs",
    f"deployments/{_NAME}/runs/[0-9]+/notebook",
    "runners",
    "portfolios",
    f"portfolios/{_NAME}",
    "positions",
    "orders",
    "fills",
    "rejections",
    "halts",
    "limits",
    "latches",
    "instruments",
    "market-sessions",
)
COMMANDS = (
    "promotions",
    f"deployments/{_NAME}/(start|stop|pause|unpause)",
    "halts",
    "halts/resume",
)

_PATTERNS = {
    "GET": re.compile("|".join(f"(?:{path})" for path in READS)),
    "POST": re.compile("|".join(f"(?:{path})" for path in COMMANDS)),
}


def is_allowed(method: str, path: str) -> bool:
    """Whether ``method`` on ``path`` (below ``/api/v1/``, still percent-encoded) is passed on."""
    pattern = _PATTERNS.get(method)
    if pattern is None or not pattern.fullmatch(path):
        return False
    return all(_is_plain(unquote(part)) for part in path.split("/"))


def _is_plain(part: str) -> bool:
    """An encoded slash or dot segment could name another route at the gateway."""
    return part not in {"", ".", ".."} and not set(part) & set("/\\%?#")
