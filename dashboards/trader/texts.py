"""The texts of the trading desk by language: the JSON files in ``texts``, flat, with ``{named}`` places."""

import json
from functools import cache
from importlib.resources import files

from millstream_dashboards.i18n import DEFAULT, LANGUAGES


@cache
def catalogue(language: str) -> dict[str, str]:
    """The texts of ``language``, one of :data:`millstream_dashboards.i18n.LANGUAGES`."""
    found: dict[str, str] = json.loads(files(__package__).joinpath("texts", f"{language}.json").read_text("utf-8"))
    return found


class Texts:
    """The texts of one language. An unknown language speaks English."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else DEFAULT
        self._texts = catalogue(self.language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of ``key``. Raises ``KeyError`` for a key that no catalogue has."""
        return self._texts[key].format(**values) if values else self._texts[key]

    def of(self, group: str, value: str, **values: object) -> str:
        """The text of one value of a closed vocabulary (``state.running``); a value from a newer server as it is."""
        key = f"{group}.{value}"
        return self(key, **values) if key in self._texts else value
