"""Every text of the screens is in every catalogue, and every catalogue entry is used."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from millstream.contracts.api.identity import Permission, Role
from millstream.contracts.enums import (
    HaltState,
    Liquidity,
    OrderState,
    OrderType,
    RunnerState,
    ScopeKind,
    Side,
    Target,
)
from millstream_dashboards import i18n, monitor
from millstream_dashboards.i18n import LANGUAGES, Translator, catalogue
from millstream_dashboards.monitor.limits import LIMITS, MEASURED
from millstream_dashboards.monitor.pages import PAGES
from millstream_dashboards.monitor.pages.deployments import LISTED
from millstream_dashboards.monitor.pages.instruments import NUMBERS, TEXTS

ROOT = Path(next(iter(monitor.__path__)))
KEY = re.compile(r"[a-z]+\.[a-z_]+")
# Keys that the code puts together: a closed vocabulary, or the names of pages, columns and fields.
COMPOSED = (
    {f"page.{page.name}" for page in PAGES}
    | {f"col.{name}" for name in (*LISTED, "actor", "action", "subject")}
    | {f"instrument.{name}" for name in (*TEXTS, *NUMBERS)}
    | {f"state.{state}" for state in (*OrderState, *RunnerState)}
    | {f"lease.{name}" for name in ("cancel", "hold", "keep")}
    | {f"limit.{name.removesuffix('_ns')}" for name in (*LIMITS, *MEASURED)}
    | {f"role.{role}" for role in Role}
    | {f"permission.{permission}" for permission in Permission}
    | {f"halt.{state}" for state in HaltState}
    | {f"scope.{kind}" for kind in ScopeKind}
    | {f"target.{target}" for target in Target}
    | {f"type.{kind}" for kind in OrderType}
    | {f"side.{side}" for side in Side}
    | {f"liquidity.{kind}" for kind in Liquidity}
)
# Not words: a product's name, signs, letters of a candle, parts of HTML and CSS.
SHOWN_ARGUMENTS = {"name", "title", "placeholder", "label"}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def written_keys() -> set[str]:
    """Every string of the code that looks like a key of the catalogue and whose group exists."""
    groups = {key.partition(".")[0] for key in catalogue("en")}
    texts = {
        node.value
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value)
    }
    files = {"page.html", "page.css", "trades.csv", "runner.heartbeat"}
    return {text for text in texts if text.partition(".")[0] in groups} - files


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_every_language_has_the_texts_of_english(language):
    assert catalogue(language).keys() == catalogue("en").keys()


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_texts_are_not_empty_and_have_the_same_places(language):
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    wrong = [
        key
        for key, text in catalogue(language).items()
        if not text.strip() or places(text) != places(catalogue("en")[key])
    ]
    assert wrong == []


def test_every_key_of_the_code_is_in_the_catalogue():
    assert sorted((written_keys() | COMPOSED) - catalogue("en").keys()) == []


def test_every_text_of_the_catalogue_is_used():
    assert sorted(catalogue("en").keys() - written_keys() - COMPOSED) == []


def test_no_widget_is_named_by_a_literal_text():
    literal = [
        f"{path.relative_to(ROOT)}:{keyword.value.lineno} {keyword.value.value!r}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in SHOWN_ARGUMENTS
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
        and re.search(r"[A-Za-z]{2}", keyword.value.value)
        and keyword.value.value not in {"Millstream", "bars"}
    ]
    assert literal == []


def test_no_html_of_the_code_holds_a_word_between_its_tags():
    """Between tags stand only places for texts: ``<b>{…}</b>``, never ``<b>Word</b>``."""
    literal = []
    for path, tree in sources():
        documentation = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in documentation:
                continue
            words = re.findall(r">\s*([A-Za-z]{2,}[^<>{}%]*)<", node.value)
            literal += [f"{path.relative_to(ROOT)}:{node.lineno} {word!r}" for word in words]
    assert literal == []


def test_translator_fills_in_values_and_speaks_english_for_an_unknown_language():
    assert Translator("de")("overview.halts", count=2) == "Handelsstopps: 2"
    assert Translator("xx").language == "en"


def test_translator_refuses_an_unknown_key_and_passes_on_an_unknown_value():
    with pytest.raises(KeyError):
        Translator("en")("no.such_key")
    assert Translator("en").of("state", "levitating") == "levitating"


def test_catalogues_are_sorted_files_of_the_package():
    folder = Path(next(iter(i18n.__path__)))
    assert {path.stem for path in folder.glob("*.json")} == set(LANGUAGES)
    assert list(catalogue("en")) == sorted(catalogue("en"))
