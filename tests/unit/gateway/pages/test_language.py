import re
from pathlib import Path
from string import punctuation

import pytest
from starlette.requests import HTTPConnection

from millstream.contracts.api.identity import Role
from millstream.gateway.pages import language, page

TEMPLATES = Path(page.__file__).parent / "templates"
BUILT = {
    *(f"role.{role.value}" for role in Role),
    *(f"second_factor.{state}" for state in ("none", "asked", "given")),
    *(f"home.{screen}{part}" for screen in ("lab", "monitor", "trader") for part in ("", ".text")),
    *(f"theme.{theme}" for theme in ("dark", "light")),
    *(f"notice.{notice}" for notice in ("logged_out", "password_changed")),
    *(f"problem.{code}" for code in ("WRONG_CREDENTIALS", "WRONG_CODE", "WRONG_PASSWORD", "RATE_LIMITED", "VOID_LINK")),
    *(f"problem.{code}" for code in ("INCOMPLETE", "CSRF", "PROVIDER", "NO_ROLE")),
}


def used() -> set[str]:
    """The keys that templates name, and those that are put together."""
    named = {
        key
        for template in TEMPLATES.glob("*.html")
        for key in re.findall(r't\["([\w.]+)"\]', template.read_text(encoding="utf-8"))
    }
    return named | BUILT


@pytest.mark.parametrize("name", language.LANGUAGES)
def test_a_catalogue_has_every_text_and_no_other(name: str):
    assert set(language.texts(name)) == used()


@pytest.mark.parametrize("name", language.LANGUAGES)
def test_no_text_is_empty_or_has_markup(name: str):
    assert [key for key, text in language.texts(name).items() if not text.strip(punctuation) or "<" in text] == []


def test_every_catalogue_is_of_an_offered_language():
    assert {path.stem for path in language.FOLDER.glob("*.json")} == set(language.LANGUAGES)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("nl, fr;q=0.5, es;q=0.7", "es"),
        ("zh-Hant", "zh"),
        ("nl", "en"),
        ("fr;q=nonsense", "en"),
        ("fr;q=0", "en"),
    ],
)
def test_the_browsers_first_known_language_is_taken(header: str, wanted: str):
    connection = HTTPConnection({"type": "http", "headers": [(b"accept-language", header.encode())]})
    assert language.preferred(connection) == wanted
