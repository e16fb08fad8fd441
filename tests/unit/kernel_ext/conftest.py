import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from millstream.client import Client
from millstream_kernel.magics import MillstreamMagics

NOW = "2013-03-01T00:00:00Z"
Handler = Callable[[httpx.Request], Any]
DEPLOYMENT = {
    "deployment": "sma_cross", "release": "sma_cross@1", "strategy": "SmaCross", "target": "paper",
    "portfolio": "p-sma", "session": "replay", "instruments": ["SAMPLE:AAPL"], "timeframe": "1d", "parameters": {},
    "limits": {}, "on_lease_lost": "cancel", "desired_state": "running", "state": "running", "epoch": 1,
    "author": "ann", "created_at": NOW, "currency": "USD", "initial_cash": "100000", "equity": "99900.5",
    "realized_pnl": "-120", "unrealized_pnl": "25.5", "fees": "5",
}  # fmt: skip


@dataclass
class Gateway:
    """A gateway of prepared answers by ``METHOD /path`` (behind ``/api/v1``); it remembers what it was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.answers[f"{request.method} {request.url.path.removeprefix('/api/v1')}"]
        answer = found.pop(0) if isinstance(found, list) and len(found) > 1 else found
        answer = answer[0] if isinstance(answer, list) else answer
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, content=json.dumps(answer))

    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests if request.content]


@dataclass
class Notebook:
    """A shell with the magics, and what its cells displayed."""

    shell: Any
    magics: MillstreamMagics
    gateway: Gateway

    def run(self, line: str, cell: str | None = None) -> Any:
        """Run ``%ms line`` (``%%ms`` with a cell)."""
        self.shell.display_pub.outputs.clear()
        return self.magics.ms(line) if cell is None else self.magics.ms(line, cell)

    @property
    def text(self) -> str:
        return "\n".join(output["data"]["text/plain"] for output in self.shell.display_pub.outputs)

    @property
    def html(self) -> str:
        return "\n".join(output["data"]["text/html"] for output in self.shell.display_pub.outputs)


@pytest.fixture
def notebook(monkeypatch) -> Iterator[Notebook]:
    """A notebook whose person is known to a prepared gateway."""
    for name in ("JUPYTER_SERVER_ROOT", "MILLSTREAM_WORKSPACE", "MILLSTREAM_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MILLSTREAM_URL", "http://gateway")
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.display_pub = CapturingDisplayPublisher(parent=shell)
    magics, gateway = MillstreamMagics(shell), Gateway()
    with Client("http://gateway", "t", waits=(), transport=httpx.MockTransport(gateway)) as client:
        magics.session.client = magics.session.quick_client = client
        yield Notebook(shell, magics, gateway)
    InteractiveShell.clear_instance()


def problem(status: int, code: str, detail: str, hint: str) -> httpx.Response:
    body = {"title": code, "status": status, "code": code, "detail": detail, "hint": hint}
    return httpx.Response(status, content=json.dumps(body))
