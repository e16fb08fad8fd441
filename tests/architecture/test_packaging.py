"""The wheel, built from the sdist and installed into an empty environment, is complete."""

import json
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = {
    "platform": "millstream",
    "kernel_ext": "millstream_kernel",
    "dashboards": "millstream_dashboards",
}
# JupyterLab's panel: its bundle is installed to where JupyterLab looks, its sources are in the sdist only.
ELSEWHERE = {("kernel_ext", "labextension"), ("kernel_ext", "labextension_dist")}
PANEL = "data/share/jupyter/labextensions/@millstream/lab/"
# Alembic runs these itself, inside a migration; they are not importable on their own.
RUN_BY_ALEMBIC = "millstream.store.migrations."

# Imports every module that can be found from the outside; prints their files, the failures and the path.
INSPECT = """
import importlib, json, pkgutil, sys, traceback
found, errors = {}, {}
for package in sys.argv[2:]:
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, package + "."):
        if module.name.endswith(".__main__") or module.name.startswith(sys.argv[1]):
            continue
        try:
            found[module.name] = importlib.import_module(module.name).__file__
        except Exception:
            errors[module.name] = traceback.format_exc()
print(json.dumps({"found": found, "errors": errors, "path": sys.path}))
"""


def source_files(repository: Path, repository_files: list[Path]) -> Iterator[str]:
    """The names under which the files of the three packages must be installed."""
    for path in repository_files:
        folder, *rest = path.relative_to(repository).parts
        if folder in PACKAGES and rest and tuple([folder, *rest][:2]) not in ELSEWHERE:
            yield "/".join([PACKAGES[folder], *rest])


@pytest.fixture(scope="module")
def distributions(repository, tmp_path_factory) -> tuple[Path, Path]:
    """The sdist and the wheel, built without the network and without touching the repository."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-P", "-m", "build", "--no-isolation", "--outdir", str(out), str(repository)],
        cwd=out,
        check=True,
        capture_output=True,
        timeout=200,
    )
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(distributions, tmp_path_factory) -> Path:
    """An environment with the wheel, and with the locked packages but not the editable project.

    A line of a .pth file adds one folder and reads no .pth file inside it, so the editable project of this
    environment, which is such a file, stays invisible.
    """
    _, wheel = distributions
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            str(wheel),
        ],
        cwd=home,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (packages,) = home.glob("lib/python*/site-packages")
    locked = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "locked.pth").write_text("\n".join(locked) + "\n", encoding="utf-8")
    return home


def test_wheel_holds_exactly_the_files_of_the_three_packages(distributions, repository, repository_files):
    _, wheel = distributions
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name and ".data/" not in name}
    assert names == set(source_files(repository, repository_files))


def test_wheel_installs_the_bundle_of_the_panel_where_jupyterlab_looks(distributions, repository):
    _, wheel = distributions
    names = [name.partition(PANEL)[2] for name in zipfile.ZipFile(wheel).namelist() if PANEL in name]
    bundle = repository / "kernel_ext" / "labextension_dist"
    assert sorted(names) == sorted(path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file())


def test_sdist_holds_what_a_build_and_a_reader_need(distributions):
    sdist, _ = distributions
    with tarfile.open(sdist) as archive:
        members = {member.name.partition("/")[2] for member in archive.getmembers()}
        assert not [member.name for member in archive.getmembers() if member.issym()]
    assert {"pyproject.toml", "README.md", "LICENSE", "requirements.lock", "Makefile", "PKG-INFO"} <= members
    assert not [name for name in members if name.startswith((".venv/", "src/", ".git/")) or "/node_modules/" in name]
    assert "kernel_ext/labextension/src/index.ts" in members


def test_every_installed_module_imports(installed, repository, repository_files):
    finished = subprocess.run(
        [str(installed / "bin" / "python"), "-c", INSPECT, RUN_BY_ALEMBIC, *PACKAGES.values()],
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout.splitlines()[-1])

    assert report["errors"] == {}
    elsewhere = {name: file for name, file in report["found"].items() if not file.startswith(str(installed))}
    assert elsewhere == {}
    assert str(repository) not in {str(Path(entry).parent) for entry in report["path"]}
    assert set(report["found"]) == set(importable_modules(source_files(repository, repository_files)))


def importable_modules(names: Iterator[str]) -> Iterator[str]:
    """The modules among the installed files, without the packages themselves and what only Alembic runs."""
    for name in names:
        if not name.endswith(".py") or name.endswith("/__main__.py"):
            continue
        module = name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        if "." in module and not module.startswith(RUN_BY_ALEMBIC):
            yield module


def test_installed_command_starts_and_knows_its_version(installed, pyproject):
    finished = subprocess.run(
        [str(installed / "bin" / "millstream"), "--version"],
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert pyproject["project"]["version"] in finished.stdout


def test_papermill_finds_the_engine_of_the_installed_package(installed):
    report = (
        "from importlib.metadata import entry_points as e; (p,) = [x for x in e(group='papermill.engine')"
        " if x.name == 'millstream' and x.dist.locate_file('').is_relative_to(__import__('sys').prefix)];"
        " print(p.load().__name__)"
    )
    finished = subprocess.run(
        [str(installed / "bin" / "python"), "-c", report],
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == "MillstreamEngine"
