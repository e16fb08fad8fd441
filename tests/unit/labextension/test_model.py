"""Formats, parameters, faults and state of JupyterLab's panel: model.test.cjs, where Node.js is."""

import os
import subprocess
from pathlib import Path

from support.labextension import SOURCES
from support.node import require_modules

OPTIONS = ("--module", "commonjs", "--target", "es2020", "--lib", "es2020,dom", "--strict")


def test_pure_modules_of_the_panel_do_what_their_tests_say(tmp_path):
    modules = require_modules(SOURCES)
    files = [str(path) for path in sorted((SOURCES / "src" / "model").glob("*.ts"))]
    compiler = modules / "typescript" / "bin" / "tsc"
    subprocess.run(
        ["node", str(compiler), *OPTIONS, "--outDir", str(tmp_path), *files], cwd=tmp_path, check=True, timeout=120
    )
    finished = subprocess.run(
        ["node", "--test", str(Path(__file__).with_name("model.test.cjs"))],
        env=os.environ | {"MODEL": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
