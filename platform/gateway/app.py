"""The HTTP application: the routers of every part, problems, and the description of it all."""

import importlib.metadata

from fastapi import FastAPI

from . import guard, openapi, pages, problems, telemetry
from .commands.operations import Operations
from .context import Gateway
from .routes import events, identity, market, operations, promotion, reports, risk, trading
from .routing import API

ROUTES = (identity, market, promotion, trading, risk, reports, events, operations)


def create_app(gateway: Gateway) -> FastAPI:
    """The application over an open ``gateway``; it opens and closes nothing itself."""
    app = FastAPI(
        title="Millstream",
        version=importlib.metadata.version("millstream"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.gateway = gateway
    app.state.operations = Operations(gateway)
    problems.install(app)
    for module in ROUTES:
        app.include_router(module.router, prefix=API)
    openapi.install(app)
    pages.install(app)
    # The last middleware is the first that a request meets: what the guard refuses is counted too.
    guard.install(app, gateway)
    telemetry.install(app, gateway)
    return app
