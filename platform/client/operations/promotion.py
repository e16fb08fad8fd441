"""Releases, deployments and their runners."""

from ...contracts.api.base import Operation as Running
from ...contracts.api.base import Page
from ...contracts.api.operations import Health
from ...contracts.api.promotion import (
    Deployment,
    DeploymentChange,
    LogText,
    NewDeployment,
    NotebookInspection,
    Promotion,
    Release,
    Runner,
)
from ..calls import Operation, OperationOn
from ..parameters import (
    Deployments,
    ExecutedNotebook,
    Log,
    Notebook,
    Nothing,
    OneDeployment,
    OneOperation,
    OneRelease,
    Paged,
    Releases,
    Runs,
)


class PromotionOperations:
    """From a notebook to a running deployment."""

    list_releases = Operation("GET", "/releases", Releases, Page[Release], "Registered releases, the newest first.")
    get_release = Operation("GET", "/releases/{ref}", OneRelease, Release, "One release.")
    inspect_notebook = Operation(
        "GET", "/notebooks", Notebook, NotebookInspection, "What a strategy notebook declares, before it is promoted."
    )
    list_notebooks = Operation("GET", "/notebooks/list", Paged, Page[str], "Notebooks of the workspace.")
    promote = Operation(
        "POST", "/promotions", Promotion, Running, "Promote a notebook; `follow` waits for the operation it answers."
    )
    get_operation = Operation(
        "GET", "/operations/{operation_id}", OneOperation, Running, "How far a command is that takes time."
    )
    list_deployments = Operation("GET", "/deployments", Deployments, Page[Deployment], "Deployments, the newest first.")
    get_deployment = Operation("GET", "/deployments/{deployment}", OneDeployment, Deployment, "One deployment.")
    create_deployment = Operation("POST", "/deployments", NewDeployment, Deployment, "Put a release to work.")
    change_deployment = OperationOn(
        "PATCH", "/deployments/{deployment}", DeploymentChange, Deployment, "Change limits, or what a lost lease does."
    )
    start_deployment = Operation(
        "POST", "/deployments/{deployment}/start", OneDeployment, Deployment, "Have a deployment run."
    )
    stop_deployment = Operation(
        "POST", "/deployments/{deployment}/stop", OneDeployment, Deployment, "Have a deployment end; its orders stay."
    )
    pause_deployment = Operation(
        "POST", "/deployments/{deployment}/pause", OneDeployment, Deployment, "Let a deployment only reduce positions."
    )
    unpause_deployment = Operation(
        "POST", "/deployments/{deployment}/unpause", OneDeployment, Deployment, "Let a paused deployment trade again."
    )
    list_runners = Operation("GET", "/runners", Paged, Page[Runner], "Runner processes.")
    read_log = Operation("GET", "/deployments/{deployment}/log", Log, LogText, "What a runner printed.")
    list_runs = Operation(
        "GET", "/deployments/{deployment}/runs", Runs, Page[int], "Epochs whose executed notebook is kept."
    )
    read_executed_notebook = Operation(
        "GET", "/deployments/{deployment}/runs/{epoch}/notebook", ExecutedNotebook, str, "The notebook of one run."
    )
    health = Operation("GET", "/health", Nothing, Health, "Whether everything works that must.")
