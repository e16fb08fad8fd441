"""Every visible text of the screens, by language: ``Translator(language)("key", value=…)``.

The catalogues are the JSON files beside this module, flat dictionaries from key to text with ``{named}`` places.
English is complete by definition; the tests compare the others with it.
"""

import json
from functools import cache
from importlib.resources import files

LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "zh": "中文"}
DEFAULT = "en"


@cache
def catalogue(language: str) -> dict[str, str]:
    """The texts of ``language``, one of :data:`LANGUAGES`."""
    text = files(__name__).joinpath(f"{language}.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


class Translator:
    """The texts of one language. An unknown language speaks English."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else DEFAULT
        self._texts = catalogue(self.language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of ``key``. Raises ``KeyError`` for a key that no catalogue has."""
        return self._texts[key].format(**values) if values else self._texts[key]

    def of(self, group: str, value: str) -> str:
        """The text of one value of a closed vocabulary (``state.running``); a value from a newer server as it is."""
        return self._texts.get(f"{group}.{value}", value)
