"""What commands print: a table or text for people, one JSON document with ``--json``."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..contracts.time import iso, to_datetime

if TYPE_CHECKING:
    from pydantic import BaseModel

NOTEBOOK_WIDTH = 108


def _console(*, stderr: bool) -> Console:
    """A console of a terminal, or of a notebook: one stream of coloured text there, as errors stand on red."""
    terminal = Console(stderr=stderr, highlight=False)
    if not terminal.is_jupyter:
        return terminal
    return Console(
        force_jupyter=False, force_terminal=True, color_system="standard", width=NOTEBOOK_WIDTH, highlight=False
    )


console = _console(stderr=False)
errors = _console(stderr=True)

PADDING = 3
FOLDED = 28  # characters after which a text may as well go on in the next line
NOTHING = "–"
TIME_NAMES = frozenset({"ts", "first", "last", "after", "before", "open_time"})
TIME_ENDINGS = ("_ts", "_at")


def plain(value: Any, name: str = "") -> Any:
    """``value`` as JSON types: structs and models are objects, decimals texts, times ISO 8601, what is not finite null.

    A whole number in a field called ``…_at``, ``…_ts`` or as in ``TIME_NAMES`` is a time in UTC nanoseconds; 0 is none.
    """
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    elif hasattr(value, "model_fields_set"):
        value = _fields(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _plain_time(value, name) if isinstance(value, int | datetime) else _plain_leaf(value)


def _fields(model: "BaseModel") -> dict[str, Any]:
    """As the API writes them; pydantic itself is not loaded for commands that show no model."""
    return model.model_dump(by_alias=True)


def _plain_leaf(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else msgspec.to_builtins(value)


def _plain_time(value: int | datetime, name: str) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bool) or not _names_a_time(name):
        return value
    return iso(value) if value else None


def _names_a_time(name: str) -> bool:
    return name in TIME_NAMES or name.endswith(TIME_ENDINGS)


def print_json(value: Any) -> None:
    """One JSON document on standard output, and nothing else."""
    typer.echo(json.dumps(plain(value), allow_nan=False, ensure_ascii=False, indent=2))


def when(moment: int | str | datetime | None) -> str | None:
    """A time to the minute (to the second where it has one) in UTC: ``2013-03-01 00:00``.

    Takes UTC nanoseconds (0 is none), an ISO 8601 text or an aware datetime.
    """
    if not moment:
        return None
    if isinstance(moment, int):
        moment = to_datetime(moment)
    elif isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S" if moment.second else "%Y-%m-%d %H:%M")


def text(value: Any) -> str:
    """One cell of a table: thousands are grouped, zeros at the end left out."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, Decimal):
        return _digits(value, value.places if isinstance(value, Rounded) else 8)
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
    if isinstance(value, datetime):
        return when(value) or NOTHING
    return f"{value:,}" if type(value) is int else str(value)


def _digits(value: Decimal, places: int = 8) -> str:
    """``places`` decimals, or as many as leave five figures of a number that is smaller."""
    if value and value.adjusted() < -places // 2:
        places = 4 - value.adjusted()
    shown = f"{value:,.{places}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


class Rounded(Decimal):
    """A number that a table shows with ``places`` decimals; JSON has all of them."""

    places = 8


class Price(Rounded):
    """A price: four decimals, five figures when it is small."""

    places = 4


class Amount(Rounded):
    """Money: two decimals, five figures when it is small."""

    places = 2


def price(value: Decimal | None) -> Price | None:
    """A price for a table."""
    return None if value is None else Price(value)


def amount(value: Decimal | None) -> Amount | None:
    """An amount of money for a table."""
    return None if value is None else Amount(value)


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    empty: str = "nothing yet",
    spare: Sequence[str] = (),
) -> None:
    """Print rows under ``columns``; numbers stand right. Without rows, ``empty`` says what to do next.

    Where the terminal is too narrow, the columns of ``spare`` are left out one after the other, and named below.
    """
    rows = list(rows)
    if not rows:
        console.print(f"[bold]{escape(title)}[/bold]: [dim]{escape(empty)}[/dim]")
        return
    cells = [[text(value) for value in row] for row in rows]
    kept, dropped = _fitting(columns, cells, spare)
    result = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold cyan",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    for index in kept:
        numeric = all(row[index] is None or isinstance(row[index], Decimal | float | int) for row in rows)
        result.add_column(columns[index], justify="right" if numeric else "left", overflow="fold")
    for line in cells:
        result.add_row(*(escape(line[index]) for index in kept))
    console.print(result)
    if dropped:
        console.print(f"[dim]not shown at this width: {escape(', '.join(dropped))}; --json has everything[/dim]")


def _fitting(
    columns: Sequence[str], cells: Sequence[Sequence[str]], spare: Sequence[str]
) -> tuple[list[int], list[str]]:
    """Indices of the columns to show and names of those left out."""
    widths = [
        min(FOLDED, max(cell_len(part) for part in (column, *lines)))
        for column, *lines in zip(columns, *cells, strict=True)
    ]
    kept, dropped = list(range(len(columns))), []
    for name in spare:
        if sum(widths[index] + PADDING for index in kept) <= console.width + PADDING:
            break
        kept.remove(columns.index(name))
        dropped.append(name)
    return kept, dropped


def show(
    value: Sequence[Any],
    as_json: bool,
    title: str,
    columns: Mapping[str, Callable[[Any], Any]],
    *,
    empty: str,
    spare: Sequence[str] = (),
) -> None:
    """Print a sequence of records: as JSON in full, or as a table of the given columns."""
    if as_json:
        print_json(value)
        return
    rows = ([pick(row) for pick in columns.values()] for row in value)
    table(title, list(columns), rows, empty=empty, spare=spare)
