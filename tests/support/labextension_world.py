"""What the stand-in of the gateway answers: two deployments and a person."""

from datetime import UTC, datetime, timedelta
from typing import Any

RESEARCHER = ["self", "read", "promote", "deploy", "halt"]
VIEWER = ["self", "read"]


def me(permissions: list[str], role: str) -> dict[str, Any]:
    return {"user": "ada", "name": "Ada", "role": role, "permissions": permissions, "portfolios": []}


def deployment(name: str, **given: Any) -> dict[str, Any]:
    base = {
        "deployment": name,
        "release": f"{name}@1",
        "strategy": name,
        "target": "paper",
        "portfolio": f"{name}-book",
        "session": "replay",
        "instruments": ["SAMPLE:AAPL"],
        "timeframe": "1d",
        "parameters": {"fast": 20},
        "limits": {},
        "on_lease_lost": "cancel",
        "desired_state": "running",
        "state": "running",
        "message": "",
        "halt": "active",
        "epoch": 3,
        "restarts": 2,
        "heartbeat_at": moment(2),
        "last_slice": None,
        "author": "ada",
        "created_at": moment(9000),
        "currency": "USD",
        "initial_cash": "100000",
        "equity": "101234.50",
        "realized_pnl": "1000",
        "unrealized_pnl": "240.5",
        "fees": "6",
    }
    return base | given


def runner(name: str, runs: list[int], **given: Any) -> dict[str, Any]:
    base = {
        "deployment": name,
        "epoch": 3,
        "state": "running",
        "message": "",
        "pid": 4711,
        "host": "desk",
        "restarts": 2,
        "heartbeat_at": moment(2),
        "started_at": moment(600),
        "runs": runs,
    }
    return base | given


def moment(seconds_ago: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat()


def page(items: list[Any]) -> dict[str, Any]:
    return {"items": items, "next": ""}


def halted(scope: str = "global", scope_id: str = "") -> dict[str, Any]:
    return {
        "scope": scope,
        "scope_id": scope_id,
        "state": "halted",
        "actor": "grace",
        "reason": "odd fills",
        "changed_at": moment(60),
    }


def world(permissions: list[str] = RESEARCHER, role: str = "researcher") -> dict[str, Any]:
    """The answers by path."""
    live = {"target": "live", "state": "failed", "message": "cell 4 raised KeyError: 'AAPL'", "heartbeat_at": None}
    return {
        "me": me(permissions, role),
        "deployments": page(
            [deployment("sma_cross"), deployment("breakout", realized_pnl="-800.25", unrealized_pnl="0", **live)]
        ),
        "runners": page([runner("sma_cross", [3, 2])]),
        "halts": page([]),
        "screens": {"monitor": "", "trader": "", "gateway": "", "workspace_root": ""},
    }
