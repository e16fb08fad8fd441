"""The repository's notebooks, and an installation to run them on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.servers import temporary_home

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def installation() -> Iterator[Path]:
    """Home of a new installation; research imports the sample candles into it at first use."""
    with temporary_home() as home:
        before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("MILLSTREAM_")}
        os.environ["MILLSTREAM_HOME"] = str(home)
        yield home
        del os.environ["MILLSTREAM_HOME"]
        os.environ.update(before)
