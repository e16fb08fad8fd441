import json
import re
from importlib.resources import files
from string import Formatter

import pytest

import millstream_dashboards.trader as package
from millstream.contracts.api.identity import Role
from millstream.contracts.enums import HaltState, OrderState, OrderType, RunnerState, ScopeKind, Side, TimeInForce
from millstream_dashboards.i18n import LANGUAGES
from millstream_dashboards.trader.texts import Texts, catalogue

CODE = "\n".join(path.read_text() for path in files(package).iterdir() if path.name.endswith(".py"))


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_places(language: str):
    english, other = catalogue("en"), catalogue(language)
    assert other.keys() == english.keys()
    assert {key: places(text) for key, text in other.items()} == {key: places(text) for key, text in english.items()}
    assert all(text.strip() for text in other.values())


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_no_language_is_english_by_oversight(language: str):
    same = [key for key, text in catalogue(language).items() if text == catalogue("en")[key]]
    assert len(same) < 12, same


def test_every_value_of_a_vocabulary_has_a_text():
    groups = {
        "order_state": OrderState, "type": OrderType, "valid": TimeInForce, "side": Side, "state": RunnerState,
        "halt": HaltState, "scope": ScopeKind, "role": Role,
    }  # fmt: skip
    named = {f"{group}.{value}" for group, values in groups.items() for value in values}
    missing = sorted(named - catalogue("en").keys())
    assert missing == []


def test_every_text_is_used():
    dynamic = {"order_state", "type", "valid", "side", "state", "halt", "scope", "role", "target", "link"}
    literal = set(re.findall(r"""["']([a-z_.]+)["']""", CODE))
    verbs = {f"{verb}.{end}" for verb in ("start", "stop", "pause", "unpause") for end in ("done", "ask")}
    unused = [
        key
        for key in catalogue("en")
        if key not in literal | verbs and key.partition(".")[0] not in dynamic and not key.endswith((".empty", ".next"))
    ]
    assert unused == []


def test_an_unknown_language_speaks_english_and_a_new_value_is_shown_as_it_is():
    texts = Texts("tlh")
    assert texts("title") == "Trader"
    assert texts.of("state", "levitating") == "levitating"
    with pytest.raises(KeyError):
        texts("no such text")


def test_the_catalogues_are_sorted_json_files_of_texts():
    for language in LANGUAGES:
        content = json.loads(files(package).joinpath("texts", f"{language}.json").read_text("utf-8"))
        assert all(isinstance(value, str) for value in content.values())
