"""The layers of the package, as import-linter checks them, and the import rules it cannot express."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
PURE = {"msgspec"}
# What is said over HTTP is checked, and described to others, by pydantic.
PURE_API = PURE | {"pydantic"}
# Alembic loads these by path, outside any package.
MIGRATIONS = Path("platform/store/migrations")


def python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(level, module) of each import statement: level 0 is absolute."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


def test_layers_are_kept(repository, monkeypatch, capsys):
    monkeypatch.chdir(repository)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        (
            "platform/contracts/upward.py",
            "from ..store import models",
            "A layer imports only what is below it",
        ),
        ("platform/sdk/sideways.py", "from .. import bus", "A layer imports only what is below it"),
        ("platform/unlisted/__init__.py", "", "A layer imports only what is below it"),
        ("kernel_ext/direct.py", "from millstream.store import models", "never touch risk"),
        ("platform/ops/heavy.py", "import vectorbt", "never imports vectorbt"),
    ],
)
def test_a_forbidden_import_is_found(repository, tmp_path, module, statement, contract):
    for folder in ("platform", "kernel_ext", "dashboards", "src"):
        shutil.copytree(repository / folder, tmp_path / folder, symlinks=True)
    shutil.copy(repository / "pyproject.toml", tmp_path)
    intruder = tmp_path / module
    intruder.parent.mkdir(exist_ok=True)
    intruder.write_text(f'"""An import that is not allowed."""\n{statement}\n', encoding="utf-8")

    finished = subprocess.run(
        [sys.executable, "-P", "-c", LINT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 1, finished.stdout + finished.stderr
    broken = [line for line in finished.stdout.splitlines() if line.endswith("BROKEN")]
    assert any(contract in line for line in broken), finished.stdout


def test_imports_inside_the_platform_are_relative(repository):
    absolute = [
        f"{path.relative_to(repository)}: {module}"
        for path in python_files(repository / "platform")
        if not path.is_relative_to(repository / MIGRATIONS)
        for level, module in imports(path)
        if level == 0 and module.split(".")[0] == "millstream"
    ]
    assert absolute == []


def test_contracts_import_only_the_standard_library_their_model_library_and_themselves(repository):
    root = repository / "platform" / "contracts"
    foreign = [
        f"{path.relative_to(repository)}: {'.' * level}{module}"
        for path in python_files(root)
        for level, module in imports(path)
        if (level == 0 and module.split(".")[0] not in sys.stdlib_module_names | pure(path.relative_to(root)))
        or level > len(path.relative_to(root).parts)
    ]
    assert foreign == []


def pure(path: Path) -> set[str]:
    return PURE_API if path.parts[0] == "api" else PURE


def test_every_subpackage_says_what_it_is(repository):
    silent = [
        str(path.relative_to(repository))
        for path in (repository / "platform").glob("*/__init__.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []
