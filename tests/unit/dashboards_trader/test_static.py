import gzip
from pathlib import Path

import pytest
from voila.paths import collect_static_paths

from millstream_dashboards.trader.static import BUNDLE, CHUNKS, MAIN, PREFIX, Assets, addresses

SCRIPT = "window.answer = 42;\n" * 200


@pytest.fixture
def assets(tmp_path):
    for folder, text in (("first", SCRIPT), ("second", "other")):
        (tmp_path / folder / "deep").mkdir(parents=True)
        (tmp_path / folder / "app.js").write_text(text)
    (tmp_path / "second" / "deep" / "only.js").write_text("here")
    (tmp_path / "secret").write_text("secret")
    return Assets({"static": [str(tmp_path / "first"), str(tmp_path / "second")], "labextensions": []})


def test_the_first_folder_that_has_a_file_gives_it(assets):
    found = assets.find("static", "app.js")
    assert (found.media_type, found.compressed) == ("text/javascript", True)
    assert gzip.decompress(found.content).decode() == SCRIPT
    assert assets.find("static", "deep/only.js").content == b"here"


def test_a_small_file_is_sent_as_it_is(assets):
    assert assets.find("static", "deep/only.js").compressed is False


def test_the_scripts_of_voila_are_one_that_ends_with_its_first(assets, tmp_path):
    assert assets.find("static", BUNDLE) is None
    (tmp_path / "second" / f"{CHUNKS[0]}.{MAIN}").write_text("'use strict';chunk()")
    (tmp_path / "second" / MAIN).write_text("var main;")
    assert assets.find("static", BUNDLE).content == b"(function(){'use strict';chunk()\n})();\nvar main;"


def test_the_list_of_scripts_is_that_of_the_voila_that_is_installed():
    folders = [Path(folder) for folder in collect_static_paths(["voila"], "lab")]
    missing = [one for one in CHUNKS if not any((folder / f"{one}.{MAIN}").is_file() for folder in folders)]
    assert missing == []


@pytest.mark.parametrize(
    "name", ["none.js", "../secret", "deep/../../secret", "deep", "/etc/passwd", "x" * 300, "a\0b"]
)
def test_what_is_no_file_below_the_folders_does_not_exist(assets, name):
    assert assets.find("static", name) is None


def test_a_page_loads_its_scripts_from_an_address_of_this_version():
    config = addresses({"baseUrl": "/", "fullStaticUrl": "/voila/static", "appUrl": "voila/"}, base_url="/")
    assert config["fullStaticUrl"] == f"{PREFIX}/static"
    assert config["fullLabextensionsUrl"] == f"{PREFIX}/labextensions"
    assert config["appUrl"] == "voila/"
