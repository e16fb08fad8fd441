"""The words of ``%ms``: one table from which lines are parsed, help is printed and TAB completes."""

import argparse
import difflib
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from millstream.contracts.errors import InputError

if TYPE_CHECKING:
    from .session import Session

Run = Callable[["Session", argparse.Namespace], object]


@dataclass(frozen=True)
class Word:
    """An argument or an option. ``kind`` says what TAB offers for it; an option without ``value`` is a flag."""

    names: tuple[str, ...]
    help: str
    value: str = ""
    kind: str = ""
    many: bool = False
    needed: bool = False
    number: bool = False

    @property
    def is_option(self) -> bool:
        return self.names[0].startswith("-")

    @property
    def field(self) -> str:
        """The attribute that holds what was given."""
        return max(self.names, key=len).lstrip("-").replace("-", "_")

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare it."""
        options: dict[str, Any] = {"help": self.help}
        if self.is_option:
            options |= {"dest": self.field, "required": self.needed}
        elif not self.many:
            options["nargs"] = None if self.needed else "?"
        if self.is_option and not self.value:
            parser.add_argument(*self.names, action="store_true", **options)
            return
        if self.many:
            options |= {"action": "append", "default": []} if self.is_option else {"nargs": "*"}
        elif not self.number:
            options["default"] = ""
        parser.add_argument(*self.names, type=int if self.number else str, metavar=self.value or None, **options)


@dataclass(frozen=True)
class Command:
    """One command: what it does, its words, and whether a cell (``%%ms``) may give ``NAME = VALUE`` lines."""

    name: str
    help: str
    run: Run
    words: tuple[Word, ...] = ()
    takes_cell: bool = False

    @property
    def options(self) -> tuple[Word, ...]:
        return tuple(word for word in self.words if word.is_option)

    @property
    def arguments(self) -> tuple[Word, ...]:
        return tuple(word for word in self.words if not word.is_option)

    def parse(self, words: list[str]) -> argparse.Namespace:
        """What the words give. Raises :class:`InputError` for what does not fit."""
        parser = _Parser(prog=f"%ms {self.name}", add_help=False, allow_abbrev=False)
        for word in self.words:
            word.add_to(parser)
        return parser.parse_intermixed_args(words)

    def usage(self) -> str:
        """One line for each word."""
        lines = [f"%ms {self.name}: {self.help}"]
        lines += [f"  {', '.join(word.names)} {word.value}".rstrip().ljust(34) + word.help for word in self.words]
        return "\n".join(lines)


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are errors of Millstream."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog}: {message}{self._near(message)}", hint=f"`{self.prog} --help` lists its words.")

    def _near(self, message: str) -> str:
        """The option that a mistyped one is near to."""
        wrong = next((word for word in message.split() if word.startswith("-")), "")
        known = [name for name in self._option_string_actions if name.startswith("--")]
        found = difflib.get_close_matches(wrong, known, 1)
        return f". Did you mean {found[0]}?" if wrong and found and found[0] != wrong else ""


def words_of(line: str) -> list[str]:
    """The words of a line, with quotes as in a shell. Raises :class:`InputError`."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise InputError(f"%ms cannot read this line: {error}", hint="Close what the quote opens.") from error
