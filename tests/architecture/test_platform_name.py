"""The folder platform/ never shadows the standard library's module of that name."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

STDLIB = Path(sysconfig.get_path("stdlib")).resolve()
REPORT = "import platform; print(platform.__file__); print(platform.system())"


def run_from(folder: Path, *arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_platform_folder_has_no_init_file(repository):
    assert (repository / "platform").is_dir()
    assert not (repository / "platform" / "__init__.py").exists()


@pytest.mark.parametrize("option", [[], ["-P"]], ids=["root-first-on-path", "safe-path"])
def test_import_platform_from_the_repository_root_gives_the_standard_library(repository, option):
    file, system = run_from(repository, *option, "-c", REPORT).splitlines()
    assert Path(file).resolve() == STDLIB / "platform.py"
    assert system


def test_running_the_platform_module_from_the_repository_root_gives_the_standard_library(repository):
    assert run_from(repository, "-m", "platform").strip() == run_from(repository.parent, "-m", "platform").strip()


def test_tools_started_from_the_repository_root_see_the_standard_library(repository):
    assert "usage" in run_from(repository, "-m", "pip", "--help").lower()
