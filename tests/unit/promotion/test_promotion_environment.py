import subprocess

import pytest

from millstream.promotion.environment import scrubbed
from millstream.promotion.provenance import environment_hash, git_state


@pytest.mark.parametrize(
    "name",
    ["BINANCE_API_KEY", "AWS_SECRET_ACCESS_KEY", "MILLSTREAM_BINANCE_SECRET", "MILLSTREAM_DATABASE_URL", "VAULT_TOKEN"],
)
def test_secret_of_the_environment_does_not_reach_a_notebook(name):
    assert name not in scrubbed({name: "canary", "PATH": "/bin"})


def test_what_a_process_needs_is_kept():
    kept = {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "MILLSTREAM_HOME": "/m", "MILLSTREAM_BUS": "redis"}

    assert scrubbed(kept) == kept


def test_environment_hash_is_stable():
    assert environment_hash() == environment_hash()


def _git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_git_state_tells_commit_and_changes(tmp_path):
    notebook = tmp_path / "a.ipynb"
    notebook.write_text("1")
    assert git_state(notebook) == git_state(tmp_path / "b")
    assert git_state(notebook).commit == ""
    _git(tmp_path, "init")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-m", "first")
    clean = git_state(notebook)
    notebook.write_text("2")

    assert (len(clean.commit), clean.dirty) == (40, False)
    assert git_state(notebook).dirty
