"""What lives inside Jupyter: the ``%ms`` magic, loaded in every kernel by the IPython configuration of the wheel."""

from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """Register the magics in an IPython shell (``%load_ext millstream_kernel``)."""
    from .magics import install

    install(shell)
