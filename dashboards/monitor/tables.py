"""Live tables: rows of texts that are patched where they changed, at most :data:`ROLLOVER` of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import panel as pn
from bokeh.models.widgets.tables import HTMLTemplateFormatter

from ..i18n import Translator
from .formats import Formats
from .html import empty
from .style import sheet

ROLLOVER = 500
ID = "id"
Row = dict[str, str]
Kind = Literal["text", "number", "money", "signed", "time"]
RIGHT = frozenset({"number", "money", "signed"})
# Columns fit their first rows and stay; a figure of a later one must not be cut. In pixels.
WIDEST = {"number": 76, "money": 112, "signed": 140, "time": 178}

# Escaped by the template language (<%- %>); the minus and the plus say the same as the colour.
_SIGNED = '<span class="<%= /^\\+/.test(value) ? "good" : /^[-−]/.test(value) ? "bad" : "" %>"><%- value %></span>'
_TEXT = '<span title="<%- value %>"><%- value %></span>'


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``key`` names it in the rows, ``title`` is the key of its text; ``width`` in pixels."""

    key: str
    title: str
    kind: Kind = "text"
    width: int = 0


class LiveTable:
    """A table that follows its rows. Rows have an ``id``, stand newest first, and hold formatted texts."""

    def __init__(self, t: Translator, f: Formats, columns: Sequence[Column], nothing: tuple[str, str, str]) -> None:
        self._keys = [ID, *(column.key for column in columns)]
        self._empty = pn.pane.HTML(empty(*nothing), sizing_mode="stretch_width", stylesheets=[sheet()], margin=0)
        self.table = pn.widgets.Tabulator(
            self._frame([]),
            titles={column.key: t(column.title) for column in columns},
            hidden_columns=[ID],
            show_index=False,
            disabled=True,
            selectable=False,
            sizing_mode="stretch_width",
            layout="fit_data_stretch",
            text_align={column.key: "right" for column in columns if column.kind in RIGHT},
            header_align={column.key: "right" for column in columns if column.kind in RIGHT},
            formatters={
                c.key: HTMLTemplateFormatter(template=_SIGNED if c.kind == "signed" else _TEXT) for c in columns
            },
            configuration=self._configuration(f, columns),
            stylesheets=[sheet()],
            margin=0,
        )
        # A table that is made while it is hidden measures its header as nothing: it joins the page with its first row.
        self.view = pn.Column(self._empty, sizing_mode="stretch_width", margin=0)

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows: changed cells are patched, another set of rows replaces the old one."""
        frame = self._frame(rows[:ROLLOVER])
        old = self.table.value
        if list(old[ID]) != list(frame[ID]):
            self.table.value = frame
            shown = self._empty if frame.empty else self.table
            if self.view[0] is not shown:
                self.view.objects = [shown]
            return
        changed = old.ne(frame)
        patch = {
            column: [(int(index), frame.loc[index, column]) for index in frame.index[changed[column]]]
            for column in frame.columns
            if changed[column].any()
        }
        if patch:
            self.table.patch(patch)

    def _frame(self, rows: Sequence[Row]) -> pd.DataFrame:
        return pd.DataFrame(
            [[row.get(key, "") for key in self._keys] for row in rows], columns=self._keys, dtype=object
        )

    @staticmethod
    def _configuration(f: Formats, columns: Sequence[Column]) -> dict[str, Any]:
        marks = {"thousandSeparator": f.group_mark, "decimalSeparator": f.decimal_mark, "alignEmptyValues": "bottom"}
        described: list[dict[str, Any]] = []
        for column in columns:
            one: dict[str, Any] = {"field": column.key, "headerSortTristate": True, "headerFilter": False}
            if column.kind in RIGHT:
                one |= {"sorter": "number", "sorterParams": marks}
            if column.kind == "time":
                one |= {"headerSort": False}  # newest first already; a text of a date does not sort
            if column.kind in WIDEST:
                one |= {"minWidth": WIDEST[column.kind]}
            if column.width:
                one |= {"width": column.width}
            described.append(one)
        return {"columns": described, "columnDefaults": {"headerTooltip": True}}
