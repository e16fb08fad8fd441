"""The committed bundle is that of the committed sources; no Node.js is needed to know it."""

import hashlib
import json
import re
from pathlib import Path

from support.labextension import BUNDLE, SOURCES

FOLDERS = ("schema", "src", "style")
FILES = (".npmrc", "build.mjs", "package-lock.json", "package.json", "tsconfig.json", "webpack.config.cjs")
LARGEST = 300 * 1024


def sources() -> dict[str, str]:
    """SHA-256 by name, of everything that the bundle is made from."""
    found = [SOURCES / name for name in FILES]
    found += [path for folder in FOLDERS for path in (SOURCES / folder).rglob("*") if path.is_file()]
    return {path.relative_to(SOURCES).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def read(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_bundle_was_built_from_these_sources():
    built = read(BUNDLE / "build-info.json")["sources"]
    assert built == sources(), "run `make labextension` and commit kernel_ext/labextension_dist"


def test_bundle_names_a_file_to_load_that_exists():
    package = read(BUNDLE / "package.json")
    assert package["name"] == "@millstream/lab"
    assert (BUNDLE / package["jupyterlab"]["_build"]["load"]).is_file()


def test_bundle_is_small_and_holds_nothing_of_jupyterlab_itself():
    assert sum(path.stat().st_size for path in BUNDLE.rglob("*") if path.is_file()) < LARGEST
    licenses = read(BUNDLE / "static" / "third-party-licenses.json")
    bundled = {one["name"] for one in licenses["packages"]}
    assert not [name for name in bundled if name.startswith(("@jupyterlab/", "@lumino/")) or name == "react"]


def test_settings_that_jupyterlab_reads_are_those_of_the_sources():
    shipped = read(BUNDLE / "schemas" / "@millstream" / "lab" / "plugin.json")
    assert shipped == read(SOURCES / "schema" / "plugin.json")


def test_lock_names_no_server_and_holds_every_hash():
    packages = read(SOURCES / "package-lock.json")["packages"]
    installed = {name: one for name, one in packages.items() if name}
    assert installed
    assert not [name for name, one in installed.items() if "resolved" in one or "integrity" not in one]


def test_package_has_the_version_of_the_project():
    root = SOURCES.parents[1]
    project = re.search(r'^version = "(.+)"', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert project is not None
    assert read(SOURCES / "package.json")["version"] == project[1]
