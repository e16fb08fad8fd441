"""Options that several commands share."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from ..contracts.errors import InputError

DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rows at most, the newest.")]
Deployment = Annotated[str, typer.Option("--deployment", "-d", help="Only of this deployment.")]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME=VALUE", help="A notebook parameter; repeatable."),
]


def parse_parameters(texts: list[str] | None) -> dict[str, str]:
    """``NAME=VALUE`` texts as a mapping of texts; typed by the notebook's own defaults later.

    Raises :class:`InputError` for a text without ``=`` and for a name given twice.
    """
    result: dict[str, str] = {}
    for text in texts or []:
        name, separator, value = text.partition("=")
        if not separator or not name.strip():
            raise InputError(f"{text!r} is not a parameter", hint="Write -p NAME=VALUE, for example -p fast=10.")
        if name.strip() in result:
            raise InputError(f"parameter {name.strip()} is given twice", hint="Give each parameter once.")
        result[name.strip()] = value.strip()
    return result


Start = Annotated[
    datetime | None, typer.Option("--start", formats=DATES, help="First bar's open time, UTC (default: all stored).")
]
End = Annotated[datetime | None, typer.Option("--end", formats=DATES, help="Bars before this time, UTC.")]


def to_utc(moment: datetime | None) -> datetime | None:
    """Dates on the command line are UTC."""
    return moment and moment.replace(tzinfo=UTC)
