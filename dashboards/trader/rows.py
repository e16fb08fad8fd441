"""Rows with buttons that are kept and only changed: a table whose rows can be acted on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import ipywidgets

from .screen import button, column, html, line, put


@dataclass(frozen=True, slots=True)
class Action:
    """A button of a row. ``label`` names the row too, for those who hear it."""

    text: str
    label: str
    act: Callable[[], None]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value under its title; ``value`` is HTML already."""

    title: str
    value: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """``key`` says which row it is from one update to the next."""

    key: str
    cells: Sequence[Cell]
    actions: Sequence[Action] = ()


class Rows:
    """Keeps a widget for each row, in the order given; ``empty`` is shown while there is none.

    ``kind`` names the widths of its columns in the style sheet, so that rows stand below each other.
    """

    def __init__(self, empty: str, kind: str) -> None:
        self._empty = html(empty)
        self._kept: dict[str, _Kept] = {}
        self.view = column([self._empty], "ms-rows", f"ms-of-{kind}")

    def show(self, rows: Sequence[Row]) -> None:
        """Show exactly ``rows``."""
        kept = {row.key: self._kept.get(row.key) or _Kept() for row in rows}
        for row in rows:
            kept[row.key].show(row)
        for key in self._kept.keys() - kept.keys():
            self._kept[key].close()
        self._kept = kept
        children = tuple(one.view for one in kept.values()) or (self._empty,)
        if self.view.children != children:
            self.view.children = children


class _Kept:
    def __init__(self) -> None:
        self._cells = html("", "ms-cells")
        self._actions: tuple[Action, ...] = ()
        self._buttons: dict[str, ipywidgets.Button] = {}
        self.view = line([self._cells], "ms-row")

    def show(self, row: Row) -> None:
        put(self._cells, "".join(_cell(cell) for cell in row.cells))
        wanted = {action.text: action for action in row.actions}
        self._actions = tuple(row.actions)
        if wanted.keys() == self._buttons.keys():
            return
        old, self._buttons = self._buttons, {text: self._button(action) for text, action in wanted.items()}
        self.view.children = (self._cells, *self._buttons.values())
        for one in old.values():
            one.close()

    def _button(self, action: Action) -> ipywidgets.Button:
        # The newest action of that name: what it acts on may have changed since the button was made.
        def act() -> None:
            next(one for one in self._actions if one.text == action.text).act()

        return button(action.text, act, kind=action.kind, label=action.label)

    def close(self) -> None:
        for one in (*self._buttons.values(), self._cells, self.view):
            one.close()


def _cell(cell: Cell) -> str:
    kind = "ms-cell ms-number" if cell.number else "ms-cell"
    return f'<div class="{kind}"><span class="ms-title">{escape(cell.title)}</span><span>{cell.value}</span></div>'
