"""Health and metrics of the gateway: ``/healthz``, ``/readyz`` and ``/metrics``, for probes and Prometheus."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..bootstrap import server_checks
from ..contracts.api.operations import Health
from ..contracts.clock import Clock
from ..ops.health import Checking, examine
from ..ops.metrics import CONTENT_TYPE, LATENCIES, PREFIX, Metrics
from .context import Connection, Gateway
from .reads import health as reads

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client.core import Metric

_NO_STORE = {"Cache-Control": "no-store"}


def needed(gateway: Gateway) -> dict[str, Checking]:
    """What the gateway cannot do its work without."""
    return {
        **server_checks(gateway.endpoints, gateway.bus),
        "trading": partial(_seen, gateway, reads.trading),
    }


def everything(gateway: Gateway) -> dict[str, Checking]:
    """What people want to know of: also that runners are supervised and the live market is open."""
    return {
        **needed(gateway),
        "supervisor": partial(_seen, gateway, reads.supervisor),
        "market": partial(_seen, gateway, reads.market),
    }


async def _seen(gateway: Gateway, look: "Callable[[Connection], str]") -> str:
    return await gateway.database(look)


def install(app: FastAPI, gateway: Gateway) -> None:
    """Serve health and metrics of ``app``; they say nothing about anybody, so nobody has to log in for them."""
    metrics = Metrics()
    metrics.add(partial(_collect, app))
    app.state.metrics = metrics
    app.add_middleware(Counted, metrics=metrics, clock=gateway.clock)

    async def alive(request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok"}, headers=_NO_STORE)

    async def ready(request: Request) -> Response:
        del request
        found: Health = await examine(needed(gateway), gateway.clock)
        status = 200 if found.status == "ok" else 503
        return JSONResponse(found.model_dump(mode="json"), status_code=status, headers=_NO_STORE)

    async def counted(request: Request) -> Response:
        del request
        return Response(metrics.text(), media_type=CONTENT_TYPE, headers=_NO_STORE)

    for path, answer in (("/healthz", alive), ("/readyz", ready), ("/metrics", counted)):
        app.add_route(path, answer, methods=["GET"], include_in_schema=False)


class Counted:
    """Middleware that counts requests by operation and status, and how long their answers took."""

    def __init__(self, app: ASGIApp, metrics: Metrics, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._requests = Counter(
            f"{PREFIX}http_requests", "Requests answered", ("operation", "status"), registry=metrics.registry
        )
        self._seconds = Histogram(
            f"{PREFIX}http_request_seconds",
            "From a request to the start of its answer",
            ("operation",),
            buckets=LATENCIES,
            registry=metrics.registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = self._clock.monotonic()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                operation = _operation(scope)
                self._requests.labels(operation, message["status"]).inc()
                self._seconds.labels(operation).observe((self._clock.monotonic() - begun) / 1e9)
            await send(message)

        await self._app(scope, receive, counting)


def _operation(scope: Scope) -> str:
    """What was asked for, by a name of ours: what a client invents must not make a series of its own."""
    route = scope.get("route")
    return str(getattr(route, "operation_id", None) or getattr(route, "path", "none"))


def _collect(app: FastAPI) -> "Iterable[Metric]":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    pool = app.state.gateway.pool.get_stats()
    yield GaugeMetricFamily(
        f"{PREFIX}database_connections", "Connections of the pool", value=float(pool.get("pool_size", 0))
    )
    yield GaugeMetricFamily(
        f"{PREFIX}database_waiting", "Requests that wait for a connection", value=float(pool.get("requests_waiting", 0))
    )
    yield GaugeMetricFamily(f"{PREFIX}operations", "Operations in hand", value=float(app.state.operations.running))
    hub = getattr(app.state, "hub", None)
    if hub is not None:
        yield GaugeMetricFamily(f"{PREFIX}live_clients", "Clients of the live events", value=float(len(hub.clients)))
        yield CounterMetricFamily(f"{PREFIX}live_delivered", "Live events delivered", value=float(hub.delivered))
        yield CounterMetricFamily(f"{PREFIX}live_dropped", "Clients of the live events that were dropped", hub.dropped)
