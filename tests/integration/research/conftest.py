from collections.abc import Iterator
from pathlib import Path

import pytest
from support.servers import temporary_home


@pytest.fixture(scope="module")
def installation() -> Iterator[Path]:
    """A new installation as research finds it: nothing but a home directory."""
    with pytest.MonkeyPatch.context() as patch, temporary_home() as home:
        patch.setenv("MILLSTREAM_HOME", str(home))
        for name in ("MILLSTREAM_DATABASE_URL", "MILLSTREAM_REDIS_URL", "MILLSTREAM_BUS"):
            patch.delenv(name, raising=False)
        yield home
