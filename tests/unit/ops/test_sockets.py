import os
import tempfile
from uuid import uuid4

import pytest

from millstream.ops import sockets


@pytest.fixture
def folder():
    made = sockets.private_folder("ms-test-")
    yield made
    made.rmdir()


def test_the_folder_is_for_this_user_only(folder):
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_folder_is_where_temporary_files_go(folder, tmp_path_factory):
    assert folder.parent.samefile(tempfile.gettempdir())


@pytest.mark.parametrize("length", [1, 200])
def test_sockets_of_kernels_fit_into_the_folder_however_long_tmpdir_is(monkeypatch, tmp_path, length):
    long = tmp_path / ("x" * length)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    folder = sockets.private_folder("ms-test-", f"voila_abcdefgh/{sockets.KERNEL_SOCKET}")
    try:
        deepest = folder / "voila_abcdefgh" / f"kernel-{uuid4()}-ipc-5"
        assert len(os.fsencode(deepest)) <= sockets.LONGEST_SOCKET_PATH
        assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        folder.rmdir()
