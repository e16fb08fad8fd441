"""The texts of the pages: one JSON catalogue a language, the same keys in each."""

import functools
import json
from pathlib import Path

from starlette.requests import HTTPConnection

LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "zh": "中文"}
DEFAULT = "en"
FOLDER = Path(__file__).parent / "texts"


@functools.cache
def texts(language: str) -> dict[str, str]:
    """Every text of a language by its key."""
    found: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found


def preferred(connection: HTTPConnection) -> str:
    """The first of the browser's languages that there is a catalogue of."""
    wanted = []
    for part in connection.headers.get("accept-language", "").split(","):
        name, _, quality = part.partition(";")
        wanted.append((_quality(quality), name.strip().lower().partition("-")[0]))
    known = [(quality, name) for quality, name in wanted if name in LANGUAGES and quality > 0]
    return max(known, key=lambda one: one[0])[1] if known else DEFAULT


def _quality(text: str) -> float:
    _, _, number = text.strip().partition("=")
    try:
        return float(number) if number else 1.0
    except ValueError:
        return 0.0
