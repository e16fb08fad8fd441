"""Notebooks, promotions, releases, deployments and their runners over HTTP."""

import asyncio
from typing import Annotated, Literal

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ...contracts.api.base import Operation, Page
from ...contracts.api.identity import Permission
from ...contracts.api.promotion import (
    Deployment,
    DeploymentChange,
    LogText,
    NewDeployment,
    NotebookInspection,
    Parameter,
    Promotion,
    Release,
    Runner,
)
from ...contracts.enums import RunnerState, Target
from ...promotion import inspect as inspection
from ...promotion import registry
from ...promotion.runs import executed_notebook, list_runs
from .. import etag
from ..auth.access import Asking
from ..commands import operations, workspace
from ..commands import promotion as commands
from ..context import Here
from ..pagination import Cursor, Limit, keys_of, page
from ..reads import logs, notebooks
from ..reads import promotion as reads
from ..routing import Routes
from .filters import Names

router = Routes(tags=["promotion"])
Name = Annotated[str, Path(min_length=1, max_length=64, examples=["sma_cross"])]
Epoch = Annotated[int, Path(ge=1, le=2**31 - 1, description="The runner's epoch: `runs` of a runner lists them.")]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_NOTEBOOK_CONTENT = {"application/x-ipynb+json": _BINARY, "text/html": {"schema": {"type": "string"}}}


@router.read("/releases", Permission.READ, "list_releases")
async def list_releases(
    here: Here,
    name: Annotated[str, Query(max_length=64, description="Versions of this release only.")] = "",
    strategy: Annotated[str, Query(max_length=100, description="Of this strategy class only.")] = "",
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[Release]:
    """Registered releases, the newest first."""
    return await here.database(
        lambda conn: reads.list_releases(conn, name=name, strategy=strategy, limit=limit, cursor=cursor)
    )


@router.read("/releases/{ref}", Permission.READ, "get_release")
async def get_release(here: Here, ref: Annotated[str, Path(max_length=100, examples=["sma_cross@1"])]) -> Release:
    """A release by `name@version`, or the newest version of `name`."""
    found = await here.database(lambda conn: registry.get_release(conn, ref))
    return Release.model_validate(found)


@router.read("/notebooks", Permission.PROMOTE, "inspect_notebook")
async def inspect_notebook(
    here: Here,
    path: Annotated[str, Query(min_length=1, max_length=500, examples=["strategies/sma_cross.ipynb"])],
) -> NotebookInspection:
    """What a notebook of the workspace declares: its name, its parameters, and warnings; it is not executed."""
    found = await asyncio.to_thread(lambda: inspection.inspect(workspace.notebook(here.settings, path)))
    parameters = tuple(
        Parameter(
            name=one.name,
            kind=_kind(one.kind),
            default=one.default,
            element=_kind(one.element),
            optional=one.optional,
        )
        for one in found.parameters
    )
    return NotebookInspection(notebook=path, name=found.name, parameters=parameters, warnings=found.warnings)


@router.read("/notebooks/list", Permission.PROMOTE, "list_notebooks")
async def list_notebooks(here: Here, limit: Limit = 100, cursor: Cursor = "") -> Page[str]:
    """Paths of the notebooks in the workspace, sorted."""
    after = keys_of(cursor, tuple[str])
    known = await asyncio.to_thread(workspace.notebooks, here.settings)
    rest = [one for one in known if after is None or one > after[0]]
    return page(rest[: limit + 1], limit, lambda one: (one,), lambda one: one)


@router.command("/promotions", Permission.PROMOTE, "promote", status_code=202)
async def promote(request: Request, here: Here, asking: Asking, wanted: Promotion) -> Operation:
    """Promote a notebook: inspect → bundle → execute → register → deploy. Follow it at `get_operation`.

    The operation's `result` is the deployment. Its deployment trades under the portfolio of the same name.
    """
    running: operations.Operations = request.app.state.operations
    return await commands.promote(here, running, asking, wanted)


@router.read("/operations/{operation_id}", Permission.SELF, "get_operation")
async def get_operation(here: Here, asking: Asking, operation_id: Annotated[str, Path(max_length=64)]) -> Operation:
    """One's own operation: `running`, `done` with its result, or `failed` with its problem."""
    return await here.database(lambda conn: operations.get_operation(conn, operation_id, asking))


@router.read("/deployments", Permission.READ, "list_deployments")
async def list_deployments(
    here: Here,
    asking: Asking,
    deployment: Names = None,
    strategy: Names = None,
    portfolio: Annotated[str, Query(max_length=64)] = "",
    instrument: Annotated[str, Query(max_length=100, examples=["SAMPLE:AAPL"])] = "",
    target: Annotated[Target | None, Query(description="paper or live.")] = None,
    state: Annotated[RunnerState | None, Query(description="The runner's state.")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[Deployment]:
    """Deployments with their money and halts, the newest first."""
    wanted = reads.Wanted(
        deployments=tuple(deployment or ()),
        strategies=tuple(strategy or ()),
        portfolio=portfolio,
        instrument=instrument,
        target=target or "",
        state=state or "",
    )
    wall = here.clock.now()
    return await here.database(
        lambda conn: reads.list_deployments(conn, wanted, asking, wall=wall, limit=limit, cursor=cursor)
    )


@router.read("/deployments/{deployment}", Permission.READ, "get_deployment")
async def get_deployment(request: Request, here: Here, asking: Asking, deployment: Name) -> Deployment:
    """One deployment. Its `ETag` may be sent as `If-Match` with a change."""
    return _tagged(request, await commands.seen(here, asking, deployment))


@router.command("/deployments", Permission.DEPLOY, "create_deployment", status_code=201)
async def create_deployment(here: Here, asking: Asking, wanted: NewDeployment) -> Deployment:
    """Put a registered release to work, on a portfolio of its own name; it starts unless `start` is false."""
    return await commands.create(here, asking, wanted)


@router.command("/deployments/{deployment}", Permission.LIMITS, "change_deployment", method="PATCH")
async def change_deployment(
    request: Request, here: Here, asking: Asking, deployment: Name, wanted: DeploymentChange, given: etag.Given
) -> Deployment:
    """Change risk limits and what a lost lease does; the trading service obeys from its next turn on.

    Limits that are not named stay. With `If-Match` the change is refused (`412`) when the configuration is not the one
    that was seen; what trading changes (prices, heartbeats) does not count.
    """
    return _tagged(request, await commands.change(here, asking, deployment, wanted, given))


@router.command("/deployments/{deployment}/start", Permission.DEPLOY, "start_deployment", status_code=202)
async def start_deployment(here: Here, asking: Asking, deployment: Name) -> Deployment:
    """Have a deployment run; `state` of `get_deployment` says when it does."""
    return await commands.start(here, asking, deployment)


@router.command("/deployments/{deployment}/stop", Permission.DEPLOY, "stop_deployment", status_code=202)
async def stop_deployment(here: Here, asking: Asking, deployment: Name) -> Deployment:
    """Have a deployment end; `state` of `get_deployment` says when it did. Its working orders stay."""
    return await commands.stop(here, asking, deployment)


@router.command("/deployments/{deployment}/pause", Permission.HALT, "pause_deployment")
async def pause_deployment(here: Here, asking: Asking, deployment: Name) -> Deployment:
    """Let a deployment only reduce its positions: the kill switch of its scope, on reduce-only."""
    return await commands.pause(here, asking, deployment)


@router.command("/deployments/{deployment}/unpause", Permission.HALT, "unpause_deployment")
async def unpause_deployment(here: Here, asking: Asking, deployment: Name) -> Deployment:
    """Let a paused deployment trade again."""
    return await commands.unpause(here, asking, deployment)


@router.read("/runners", Permission.READ, "list_runners")
async def list_runners(here: Here, asking: Asking, limit: Limit = 100, cursor: Cursor = "") -> Page[Runner]:
    """Runner processes, the last started first."""
    home = here.settings.home
    return await here.database(lambda conn: reads.list_runners(conn, asking, home, limit=limit, cursor=cursor))


@router.read("/deployments/{deployment}/log", Permission.READ, "read_log")
async def read_log(
    here: Here,
    asking: Asking,
    deployment: Name,
    lines: Annotated[int, Query(ge=0, le=5000, description="Most lines to begin with.")] = 200,
    after: Annotated[int, Query(ge=0, le=2**53, description="`next` of the part before; 0: the end of the log.")] = 0,
) -> LogText:
    """What the newest runner of a deployment printed: the last lines, or what came since `after`."""
    file = await here.database(lambda conn: logs.file_of(conn, deployment, asking))
    return await asyncio.to_thread(logs.part_of, file, lines=lines, after=after)


@router.read("/deployments/{deployment}/runs", Permission.READ, "list_runs")
async def list_runs_of(
    here: Here, asking: Asking, deployment: Name, limit: Limit = 100, cursor: Cursor = ""
) -> Page[int]:
    """The epochs whose executed notebook is kept, the newest first."""
    await commands.seen(here, asking, deployment)
    after = keys_of(cursor, tuple[int])
    known = await asyncio.to_thread(list_runs, here.settings.home, deployment)
    rest = [one for one in known if after is None or one < after[0]]
    return page(rest[: limit + 1], limit, lambda one: (one,), lambda one: one)


@router.read(
    "/deployments/{deployment}/runs/{epoch}/notebook",
    Permission.READ,
    "read_executed_notebook",
    response_class=Response,
    responses={200: {"description": "The executed notebook.", "content": _NOTEBOOK_CONTENT}},
)
async def read_executed_notebook(
    here: Here,
    asking: Asking,
    deployment: Name,
    epoch: Epoch,
    kind: Annotated[
        Literal["ipynb", "html"], Query(alias="format", description="`html` is sanitised and runs nothing.")
    ] = "ipynb",
) -> Response:
    """The executed notebook of one run; of a runner at work, as far as it is written."""
    await commands.seen(here, asking, deployment)
    file = await asyncio.to_thread(executed_notebook, here.settings.home, deployment, epoch)
    if kind == "ipynb":
        return FileResponse(file, media_type="application/x-ipynb+json", filename=f"{deployment}-{epoch}.ipynb")
    headers = {"Content-Security-Policy": notebooks.CONTENT_POLICY}
    return Response(await asyncio.to_thread(notebooks.as_html, file), media_type="text/html", headers=headers)


def _kind(kind: type | None) -> str:
    return kind.__name__ if kind else "any"


def _tagged(request: Request, deployment: Deployment) -> Deployment:
    etag.tag_with(request, reads.configuration_version(deployment.limits, deployment.on_lease_lost))
    return deployment
