"""Checks of this machine and installation, each with what to do when it fails."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from rich.markup import escape

from ..bootstrap import ensure_servers
from ..contracts.errors import MillstreamError
from ..ops import kafka_broker
from ..ops.settings import Settings
from .node import read_node
from .output import console, print_json

Status = Literal["fine", "note", "wrong"]
MARKS = {"fine": "[green]✓[/green]", "note": "[yellow]·[/yellow]", "wrong": "[red]✗[/red]"}
LEAST_FREE_BYTES = 2 * 1024**3


class Result(msgspec.Struct, frozen=True):
    """Outcome of one check: a ``note`` is worth knowing, ``wrong`` needs a person."""

    check: str
    status: Status
    message: str
    hint: str = ""


def run(settings: Settings) -> list[Result]:
    """Every check in order. Starts embedded servers when none runs, because only a started server proves itself."""
    return [result for check in CHECKS for result in check(settings)]


def show(results: list[Result], as_json: bool) -> None:
    """Print the results, with the hints of those that are not fine."""
    if as_json:
        print_json(results)
        return
    for result in results:
        console.print(f"{MARKS[result.status]} {result.check}: {escape(result.message)}", soft_wrap=True)
        if result.hint and result.status != "fine":
            console.print(f"    [dim]{escape(result.hint)}[/dim]", soft_wrap=True)


def _python(_: Settings) -> Iterator[Result]:
    found = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Result("python", "fine" if fits else "wrong", found, "Millstream runs on Python 3.11 to 3.13.")
    broken = sorted(set(_unmet_requirements()))
    yield Result(
        "packages",
        "wrong" if broken else "fine",
        f"missing: {', '.join(broken)}" if broken else "all installed",
        "Run `make test` or `uv pip sync requirements.lock` in the checkout.",
    )


def _unmet_requirements() -> Iterator[str]:
    for requirement in importlib.metadata.requires("millstream") or []:
        name = requirement.split(";", 1)[0].split("[", 1)[0]
        name = name.translate(str.maketrans("<>=!~", "     ")).split()[0]
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield name


def _home(settings: Settings) -> Iterator[Result]:
    existing = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    writable = os.access(existing, os.W_OK)
    yield Result(
        "home",
        "fine" if writable else "wrong",
        str(settings.home),
        "Set MILLSTREAM_HOME to a folder you can write to.",
    )
    free = shutil.disk_usage(existing).free
    yield Result(
        "disk",
        "fine" if free > LEAST_FREE_BYTES else "wrong",
        f"{free / 1024**3:.1f} GiB free",
        "Make room: a full disk halts trading.",
    )


def _servers(settings: Settings) -> Iterator[Result]:
    kind = "yours" if settings.database_url else "embedded"
    try:
        ensure_servers(settings)
    except MillstreamError as error:
        yield Result("servers", "wrong", str(error), error.hint)
    else:
        yield Result("servers", "fine", f"PostgreSQL ({kind}) and Redis answer; the schema is up to date")


def _kafka(settings: Settings) -> Iterator[Result]:
    reason = kafka_broker.availability()
    used = settings.bus == "kafka"
    yield Result(
        "kafka",
        "note" if reason else "fine",
        reason or "a local broker can be started (`make kafka`)",
        "Only needed for a local broker: install Java 17 and Maven."
        if not used
        else f"Using {settings.kafka_bootstrap}.",
    )


def _kernel(_: Settings) -> Iterator[Result]:
    config = Path(sys.prefix) / "etc" / "ipython" / "ipython_kernel_config.json"
    yield Result(
        "magics",
        "fine" if config.is_file() else "wrong",
        f"%ms is loaded in every kernel by {config}" if config.is_file() else f"{config} is missing",
        "Install Millstream again; until then run `%load_ext millstream_kernel` in the notebook.",
    )


def _node(settings: Settings) -> Iterator[Result]:
    info = read_node(settings)
    yield Result(
        "platform",
        "fine" if info else "note",
        f"runs as process {info.pid}" if info else "not running",
        "Start it with `millstream up`.",
    )


CHECKS: tuple[Callable[[Settings], Iterator[Result]], ...] = (
    _python,
    _home,
    _servers,
    _kafka,
    _kernel,
    _node,
)
