import hashlib

import pytest
from support.strategies import code, cross

from millstream.contracts.errors import IntegrityError, NotFoundError
from millstream.promotion.bundle import BundleStore, Manifest, source_of
from millstream.promotion.files import write_atomic


def manifest_of(notebook, **changes):
    values = {
        "name": "cross",
        "notebook_sha256": hashlib.sha256(notebook).hexdigest(),
        "parameters": {"fast": 2},
        "environment": "e",
        "data_snapshot": "d",
        "git_commit": "c",
        "git_dirty": False,
    }
    return Manifest(**(values | changes))


def test_same_content_is_the_same_bundle(tmp_path):
    store, notebook = BundleStore(tmp_path / "bundles"), source_of(cross())

    first, second = store.add(manifest_of(notebook), notebook), store.add(manifest_of(notebook), notebook)

    assert first == second
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == [first.hash]


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"fast": 3}},
        {"environment": "x"},
        {"data_snapshot": "x"},
        {"git_commit": "x"},
        {"git_dirty": True},
    ],
)
def test_any_difference_is_another_bundle(tmp_path, change):
    store, notebook = BundleStore(tmp_path), source_of(cross())

    assert store.add(manifest_of(notebook), notebook).hash != store.add(manifest_of(notebook, **change), notebook).hash


def test_outputs_counts_and_cell_ids_do_not_change_the_source():
    plain, executed = cross(), cross()
    executed.cells[-1].execution_count = 7
    executed.cells[-1].outputs = [{"output_type": "stream", "name": "stdout", "text": "hello"}]
    executed.metadata["widgets"] = {"state": "large"}

    assert source_of(plain) == source_of(executed)
    assert source_of(cross([code("x = 1")])) != source_of(plain)


@pytest.mark.parametrize("name", ["notebook.ipynb", "manifest.json"])
def test_bundle_that_was_changed_is_refused(tmp_path, name):
    store, notebook = BundleStore(tmp_path), source_of(cross())
    bundle = store.add(manifest_of(notebook), notebook)
    path = bundle.folder / name
    path.write_bytes(path.read_bytes().replace(b"fast", b"slow"))

    with pytest.raises(IntegrityError, match="not what was promoted"):
        store.verify(bundle.hash)


def test_bundle_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFoundError):
        BundleStore(tmp_path).verify("0" * 64)


def test_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, b"old")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))

    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
