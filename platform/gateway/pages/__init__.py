"""The gateway's own pages: log in, set up, second factor, home, account. HTML without any foreign resource."""

from fastapi import FastAPI

from . import account, entering, files, home, provider


def install(app: FastAPI) -> None:
    """Serve the pages; they stand in no API description."""
    for router in (entering.router, home.router, account.router, provider.router, files.router):
        app.include_router(router, include_in_schema=False)
