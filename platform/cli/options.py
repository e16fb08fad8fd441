"""Options that several commands share."""

from datetime import UTC, datetime
from typing import Annotated

import typer

DEFAULT_CAPITAL = "100000"
DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rows at most, the newest.")]
Deployment = Annotated[str, typer.Option("--deployment", "-d", help="Only of this deployment.")]
Portfolio = Annotated[str, typer.Option("--portfolio", help="Only of this portfolio.")]
Instrument = Annotated[str, typer.Option("--instrument", "-i", help="Only of this instrument.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is written to the audit log.")]
DeploymentName = Annotated[str, typer.Argument(help="A deployment; `millstream deployments` lists them.")]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME=VALUE", help="A notebook parameter; repeatable."),
]
Capital = Annotated[str, typer.Option("--capital", help="Cash the portfolio starts with.")]
Start = Annotated[
    datetime | None, typer.Option("--start", formats=DATES, help="First bar's open time, UTC (default: all stored).")
]
End = Annotated[datetime | None, typer.Option("--end", formats=DATES, help="Bars before this time, UTC.")]


def to_utc(moment: datetime | None) -> datetime | None:
    """Dates on the command line are UTC."""
    return moment and moment.replace(tzinfo=UTC)
