"""The papermill engine ``millstream`` (entry point ``papermill.engine``).

papermill calls an engine's ``execute_notebook``, ``nb_kernel_name`` and ``nb_language``; this class offers those three
and does not inherit ``papermill.engines.Engine``: papermill loads entry points while its own ``engines`` module is
still being imported, so a module that imports it back could only be loaded in one of the two orders. For the same
reason everything heavy is imported when a notebook runs: this module is loaded by every process that imports papermill.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from .logfile import LogFile

KERNEL = "python3"
LANGUAGE = "python"


class MillstreamEngine:
    """Runs the cells in this process, in an IPython shell on one asyncio loop.

    SIGTERM and SIGINT stop the running cell with its cleanup; the notebook is saved atomically and tells of each cell
    whether it completed, was stopped, failed or was skipped.
    """

    @classmethod
    def execute_notebook(  # noqa: PLR0917 - papermill's signature
        cls,
        nb: "NotebookNode",
        kernel_name: str | None = None,  # noqa: ARG003 - the kernel is this process
        output_path: str | None = None,
        progress_bar: Any = None,  # noqa: ARG003 - the record shows the progress
        log_output: bool = False,  # noqa: ARG003, FBT001, FBT002 - the log file takes all output
        autosave_cell_every: float = 5.0,
        log: "LogFile | None" = None,
        **_unused: Any,
    ) -> "NotebookNode":
        """Execute ``nb`` in place and return it. ``metadata.millstream.status`` says how it ended.

        Does not raise what a cell raised: papermill does so after the engine has saved the notebook.
        """
        from .cells import NotebookRun

        return NotebookRun(nb, output_path, log=log, autosave_seconds=autosave_cell_every).execute()

    @classmethod
    def nb_kernel_name(cls, nb: "NotebookNode", name: str | None = None) -> str:
        """Whatever kernel a notebook names, this process runs it."""
        return name or str(nb.metadata.get("kernelspec", {}).get("name", KERNEL))

    @classmethod
    def nb_language(cls, nb: "NotebookNode", language: str | None = None) -> str:
        return language or str(nb.metadata.get("language_info", {}).get("name", LANGUAGE))
