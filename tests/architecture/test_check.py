"""The quick parts of ``make check``; types and layers are checked by their own tools and tests."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "command",
    [["ruff", "check"], ["ruff", "format", "--check"], ["codespell_lib"]],
    ids=["style", "format", "spelling"],
)
def test_the_repository_passes(command, repository):
    done = subprocess.run([sys.executable, "-m", *command], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
