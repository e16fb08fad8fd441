"""Where a notebook and its environment come from."""

import hashlib
import subprocess
from importlib.metadata import distributions
from pathlib import Path

import msgspec

GIT_SECONDS = 10


class GitState(msgspec.Struct, frozen=True, kw_only=True):
    """``commit`` is empty outside a repository; ``dirty``: something in the working tree is not committed."""

    commit: str = ""
    dirty: bool = True


def git_state(path: Path) -> GitState:
    """The repository around ``path``. Without git or a repository nothing is known to be committed: dirty."""
    folder = path.resolve().parent
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return GitState()
    return GitState(commit=commit, dirty=_git(folder, "status", "--porcelain") != "")


def environment_hash() -> str:
    """SHA-256 over the names and versions of everything installed: the environment that runs, not the one intended."""
    found = {f"{one.metadata['Name'].lower()}=={one.version}" for one in distributions() if one.metadata["Name"]}
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
