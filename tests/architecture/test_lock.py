"""requirements.lock pins everything by hash, names no server, and satisfies pyproject.toml."""

import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^ ;]+)")


@pytest.fixture(scope="module")
def lock(repository: Path) -> str:
    return (repository / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def blocks(lock: str) -> list[str]:
    """One pinned package with its hash lines per block."""
    lines = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    starts = [index for index, line in enumerate(lines) if not line.startswith(" ")]
    return ["\n".join(lines[start:end]) for start, end in zip(starts, [*starts[1:], None], strict=True)]


def test_every_line_pins_one_version_with_hashes(blocks):
    assert len(blocks) > 100
    unpinned = [block.splitlines()[0] for block in blocks if not PIN.match(block)]
    unhashed = [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block]
    assert (unpinned, unhashed) == ([], [])


def test_lock_holds_no_download_address_and_no_index(lock):
    assert "://" not in lock
    assert not re.search(r"^\s*--(?!hash=)", lock, flags=re.MULTILINE)


def test_lock_satisfies_every_dependency_of_pyproject(blocks, pyproject: dict[str, Any]):
    pinned: dict[str, list[Version]] = {}
    for block in blocks:
        match = PIN.match(block)
        assert match
        pinned.setdefault(canonicalize_name(match["name"]), []).append(Version(match["version"]))
    declared = [*pyproject["project"]["dependencies"], *pyproject["dependency-groups"]["dev"]]
    declared += pyproject["build-system"]["requires"]
    unmet = [
        text
        for text, requirement in ((text, Requirement(text)) for text in declared)
        if not any(v in requirement.specifier for v in pinned.get(canonicalize_name(requirement.name), []))
    ]
    assert unmet == [], "run `make lock`"
