"""What commands print: a table or text for people, one JSON document with ``--json``."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

console = Console()
errors = Console(stderr=True)

Column = tuple[str, str]


def plain(value: Any) -> Any:
    """``value`` as JSON types: structs become objects, decimals texts, times ISO 8601."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, datetime | Path):
        return value.isoformat() if isinstance(value, datetime) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return plain(msgspec.structs.asdict(value)) if isinstance(value, msgspec.Struct) else msgspec.to_builtins(value)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    console.print_json(json.dumps(plain(value), allow_nan=False), indent=2, highlight=False)


def text(value: Any) -> str:
    """One cell of a table."""
    if value is None or value == "":
        return "–"
    if isinstance(value, Decimal):
        return f"{value:,.8f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "nothing yet") -> None:
    """Print rows under ``columns``; numbers stand right. Without rows, ``empty`` says what to do next."""
    rows = list(rows)
    if not rows:
        console.print(f"[bold]{escape(title)}[/bold]: [dim]{escape(empty)}[/dim]")
        return
    result = Table(title=title, title_justify="left", title_style="bold", header_style="bold cyan")
    for index, column in enumerate(columns):
        numeric = all(isinstance(row[index], Decimal | float | int) for row in rows)
        result.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        result.add_row(*(escape(text(value)) for value in row))
    console.print(result)


def show(
    value: Sequence[Any],
    as_json: bool,
    title: str,
    columns: Mapping[str, Callable[[Any], Any]],
    *,
    empty: str,
) -> None:
    """Print a sequence of records: as JSON in full, or as a table of the given columns."""
    if as_json:
        print_json(value)
    else:
        table(title, list(columns), ([pick(row) for pick in columns.values()] for row in value), empty=empty)
