"""TAB after ``%ms``: commands, options, notebooks, deployments, portfolios, instruments and parameters."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from millstream.contracts.errors import MillstreamError

from .commands import ALIASES, COMMANDS
from .grammar import Command, Word
from .selecting import LARGEST_PAGE
from .session import Session, workspace

SKIPPED = {"node_modules", "__pycache__"}
MOST_NOTEBOOKS = 500
IDENTIFIER = "millstream"


def matcher(completer: "Completer") -> Any:
    """``completer`` as IPython calls it: where it knows something, nothing else is offered."""

    @context_matcher(identifier=IDENTIFIER)  # type: ignore[untyped-decorator]
    def found(context: CompletionContext) -> SimpleMatcherResult:
        word, words = completer.complete(context.full_text, context.text_until_cursor)
        return {
            "completions": [SimpleCompletion(one, type="ms") for one in words],
            "matched_fragment": word,
            "suppress": bool(words),
        }

    return found


def matcher_id(one: Any) -> str:
    """What a matcher is called: the extension may be loaded twice, and its matcher is to be there once."""
    return str(getattr(one, "matcher_identifier", ""))


def _is_ms(text: str) -> bool:
    return text.startswith(("%ms ", "%%ms "))


class Completer:
    """What fits at the end of a line, for one shell."""

    def __init__(self, ms: Session) -> None:
        self._ms = ms
        self._sources: dict[str, Callable[[list[str]], Iterable[str]]] = {
            "deployment": lambda _: self._names("list_deployments", "deployment"),
            "portfolio": lambda _: self._names("list_portfolios", "portfolio"),
            "instrument": lambda _: self._names("list_instruments", "key"),
            "notebook": lambda _: self._notebooks(),
            "target": lambda _: ("paper", "live"),
            "parameter": self._parameters,
        }

    def complete(self, cell: str, line: str) -> tuple[str, list[str]]:
        """The word at the end of ``line``, and what may stand for it; ``cell`` is the whole cell."""
        if _is_ms(line):
            words = line.split() + ([""] if line[-1:].isspace() else [])
            fitting = self._fitting(words[1:])
        elif _is_ms(cell) and line.strip() == line:
            words, fitting = [line], self._parameters(cell.partition("\n")[0].split())
        else:
            return "", []
        return words[-1], sorted({one for one in fitting if one.startswith(words[-1])})

    def _fitting(self, words: list[str]) -> Iterable[str]:
        if len(words) <= 1:
            return COMMANDS
        name = ALIASES.get(words[0], words[0])
        command = COMMANDS.get(name)
        return () if command is None else self._of_command(command, words[1:])

    def _of_command(self, command: Command, words: list[str]) -> Iterable[str]:
        *before, word = words
        option = next((one for one in command.options if before and before[-1] in one.names), None)
        if option is not None and option.value:
            return self._values(option, before)
        if word.startswith("-"):
            return [name for one in command.options for name in one.names if name.startswith("--")] + ["--help"]
        return [value for one in command.arguments for value in self._values(one, before)]

    def _values(self, word: Word, before: list[str]) -> Iterable[str]:
        source = self._sources.get(word.kind)
        return () if source is None else source(before)

    def _names(self, listing: str, field: str) -> list[str]:
        """Names of what the gateway lists; nothing while it does not answer: TAB is no place for an error."""
        if not self._ms.has_gateway:
            return []
        try:
            page = getattr(self._ms.quick_client, listing)(limit=LARGEST_PAGE)
        except MillstreamError:
            return []
        return [getattr(one, field) for one in page.items]

    def _parameters(self, before: list[str]) -> list[str]:
        notebook = next((one for one in before if one.endswith(".ipynb")), "")
        if not notebook or not self._ms.has_gateway:
            return []
        try:
            declared = self._ms.quick_client.inspect_notebook(self._ms.notebook(notebook)).parameters
        except MillstreamError:
            return []
        return [f"{one.name}=" for one in declared]

    def _notebooks(self) -> list[str]:
        root = workspace() or Path.cwd()
        found = []
        for file in root.rglob("*.ipynb"):
            path = file.relative_to(root)
            if not any(part.startswith(".") or part in SKIPPED for part in path.parts):
                found.append(path.as_posix())
            if len(found) == MOST_NOTEBOOKS:
                break
        return found
