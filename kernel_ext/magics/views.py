"""What a command shows: HTML for a notebook, the same as plain text for terminals, logs and executed notebooks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

from .formats import Kind, text, tone

_COLOURS = {
    "good": "var(--jp-success-color0, #1b7f3b)",
    "bad": "var(--jp-error-color1, #c62828)",
}
_CELL = "padding:2px 10px;text-align:{align};vertical-align:top;white-space:{wrap}"
WIDEST = 60


class View(Protocol):
    """Something to show."""

    def html(self) -> str:
        """For a notebook; everything that came from elsewhere is escaped."""

    def plain(self) -> str:
        """The same as text."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, what it shows of a row, and what that is."""

    title: str
    pick: Callable[[Any], Any]
    kind: Kind = Kind.TEXT


@dataclass(frozen=True)
class Table:
    """Rows under columns; without rows, ``empty`` says what to do next."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    empty: str = "nothing yet"

    def html(self) -> str:
        if not self.rows:
            return f"<div><strong>{escape(self.title)}</strong>: {escape(self.empty)}</div>"
        head = "".join(
            f'<th scope="col" style="{_style(column.kind)}">{escape(column.title)}</th>' for column in self.columns
        )
        body = "".join(f"<tr>{''.join(_cell(column, row) for column in self.columns)}</tr>" for row in self.rows)
        caption = f'<caption style="text-align:left;font-weight:bold">{escape(self.title)}</caption>'
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def plain(self) -> str:
        if not self.rows:
            return f"{self.title}: {self.empty}"
        cells = [[column.title for column in self.columns]]
        cells += [[text(column.pick(row), column.kind) for column in self.columns] for row in self.rows]
        widths = [min(WIDEST, max(map(len, cut))) for cut in zip(*cells, strict=True)]
        lines = ["  ".join(map(_aligned, line, widths, self.columns)).rstrip() for line in cells]
        return "\n".join([self.title, lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


@dataclass(frozen=True)
class Note:
    """A sentence; ``tone`` colours its first words, which say it as well."""

    start: str
    rest: str = ""
    tone: str = ""

    def html(self) -> str:
        rest = escape(self.rest)
        return f'<div><strong style="{_colour(self.tone)}">{escape(self.start)}</strong>{rest}</div>'

    def plain(self) -> str:
        return self.start + self.rest


@dataclass(frozen=True)
class Lines:
    """Text as it is: a log, or help."""

    content: str

    def html(self) -> str:
        return f'<pre style="max-height:30em;overflow:auto">{escape(self.content)}</pre>'

    def plain(self) -> str:
        return self.content


@dataclass(frozen=True)
class Stack:
    """Several views, one below the other."""

    views: Sequence[View]

    def html(self) -> str:
        return "".join(view.html() for view in self.views)

    def plain(self) -> str:
        return "\n\n".join(view.plain() for view in self.views)


def trouble(message: str, hint: str) -> View:
    """An error: what was wrong, and what to do."""
    notes = [Note("error: ", message, "bad")]
    if hint:
        notes.append(Note("what to do: ", hint))
    return Lined(notes)


@dataclass(frozen=True)
class Lined:
    """Several notes without a gap."""

    notes: Iterable[Note]

    def html(self) -> str:
        return "".join(note.html() for note in self.notes)

    def plain(self) -> str:
        return "\n".join(note.plain() for note in self.notes)


def bundle(view: View) -> dict[str, str]:
    """``view`` as Jupyter takes it."""
    return {"text/html": f'<div class="millstream">{view.html()}</div>', "text/plain": view.plain()}


def _cell(column: Column, row: Any) -> str:
    value = column.pick(row)
    colour = _colour(tone(value, column.kind))
    return f'<td style="{_style(column.kind)};{colour}">{escape(text(value, column.kind))}</td>'


def _style(kind: Kind) -> str:
    align, wrap = ("right", "nowrap") if kind.is_number else ("left", "normal")
    return _CELL.format(align=align, wrap=wrap)


def _colour(name: str) -> str:
    return f"color:{_COLOURS[name]}" if name else ""


def _aligned(cell: str, width: int, column: Column) -> str:
    cut = cell if len(cell) <= width else cell[: width - 1] + "…"
    return cut.rjust(width) if column.kind.is_number else cut.ljust(width)
