"""Node.js for tests of the TypeScript sources. Users need none: such tests skip where it is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def require_modules(sources: Path) -> Path:
    """The installed packages of ``sources``; MILLSTREAM_REQUIRE_NODE=1 installs them, or fails where npm is missing."""
    required = os.environ.get("MILLSTREAM_REQUIRE_NODE") == "1"
    modules = sources / "node_modules"
    if shutil.which("npm") is None:
        reason = "no Node.js with npm on PATH; on Debian: apt install nodejs npm"
        if required:
            pytest.fail(f"MILLSTREAM_REQUIRE_NODE=1, but {reason}")
        pytest.skip(reason)
    if not (modules / ".package-lock.json").is_file():
        if not required:
            pytest.skip(f"the packages are not installed: cd {sources.name} && npm ci, or make labextension")
        command = ["npm", "ci", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=sources, check=True, capture_output=True, timeout=280)
    return modules
