"""Building the sources again gives the committed bundle; where Node.js is."""

import os
import shutil
import subprocess
from pathlib import Path

import jupyterlab
import pytest
from support.labextension import BUNDLE, SOURCES
from support.node import require_modules

STAGING = Path(jupyterlab.__file__).parent / "staging"


def contents(folder: Path) -> dict[str, str]:
    """The text of each file by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


def link_or_copy(source: str, target: str) -> str:
    """A hard link, quick to make; a copy where the folders are on different disks."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


@pytest.fixture
def copy(tmp_path) -> Path:
    """The sources and their packages in another place. No folder is linked: real paths name things in a bundle."""
    modules = require_modules(SOURCES)
    copy = tmp_path / "labextension"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("node_modules", "lib"))
    shutil.copytree(modules, copy / "node_modules", symlinks=True, copy_function=link_or_copy)
    return copy


@pytest.mark.slow
def test_sources_build_to_the_committed_bundle(copy):
    command = ["node", "build.mjs", str(STAGING)]
    finished = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=200, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    built, committed = contents(copy.parent / "labextension_dist"), contents(BUNDLE)
    assert built.keys() == committed.keys(), "run `make labextension` and commit kernel_ext/labextension_dist"
    assert [name for name, text in committed.items() if built[name] != text] == []
