"""Measure the trading path: ``python -m benchmarks [--bus redis|kafka|both] [--quick] [--json FILE]``."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from millstream.bus.factory import BusKind
from millstream.ops.kafka_broker import availability

from .latency import Latency, floor, trading
from .runners import Runners, runners
from .servers import servers
from .throughput import Throughput, throughput

RATES = (200, 1000)


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = _arguments()
    kinds = _kinds(options.bus)
    results: dict[str, list[Any]] = {"latency": [], "throughput": [], "runners": []}
    console = Console(width=120)
    for kind in kinds:
        for rate in RATES:
            seconds = 3 if options.quick else 15
            for measure in (floor, trading):
                with servers(kind) as where:
                    results["latency"].append(asyncio.run(measure(where, rate, rate * seconds)))
        with servers(kind) as where:
            results["throughput"].append(asyncio.run(throughput(where, 3_000 if options.quick else 20_000)))
        with servers(kind) as where:
            results["runners"].append(asyncio.run(runners(where, 5 if options.quick else 20)))
    console.print(latency_table(results["latency"]))
    console.print(throughput_table(results["throughput"]))
    console.print(runners_table(results["runners"]))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")


def latency_table(results: list[Latency]) -> Table:
    """One line a run; milliseconds."""
    table = Table(title="intent to venue (ms)")
    for name in ("bus", "what", "rate/s", "orders", "journal p50", "p99", "p99.9", "ack p50", "p99", "p99.9"):
        table.add_column(name, justify="left" if name in {"bus", "what"} else "right")
    for run in results:
        numbers = [getattr(item, name) for item in (run.journalled, run.acked) for name in ("p50", "p99", "p999")]
        table.add_row(run.bus, run.what, str(run.rate), str(run.acked.count), *[f"{number:.2f}" for number in numbers])
    return table


def throughput_table(results: list[Throughput]) -> Table:
    """One line a bus."""
    table = Table(title="sustained intents")
    for name in ("bus", "orders", "per second"):
        table.add_column(name)
    for run in results:
        table.add_row(run.bus, str(run.count), f"{run.per_second:.0f}")
    return table


def runners_table(results: list[Runners]) -> Table:
    """One line a bus."""
    table = Table(title="runners, out of the zygote")
    for name in ("bus", "runners", "first live bar p50 (ms)", "p99 (ms)", "PSS each (MB)"):
        table.add_column(name)
    for run in results:
        numbers = (run.first_bar.p50, run.first_bar.p99, run.pss_mb)
        table.add_row(run.bus, str(run.count), *[f"{number:.0f}" for number in numbers])
    return table


def _kinds(wanted: str) -> tuple[BusKind, ...]:
    """The buses to measure; Kafka is left out, and said to be, where no broker can be started."""
    if wanted == "redis":
        return ("redis",)
    reason = availability()
    if reason is None:
        return ("kafka",) if wanted == "kafka" else ("redis", "kafka")
    if wanted == "kafka":
        raise SystemExit(f"Kafka cannot be measured here: {reason}")
    print(f"Kafka is left out: {reason}")
    return ("redis",)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--bus", choices=["redis", "kafka", "both"], default="both", help="which bus to measure")
    parser.add_argument("--quick", action="store_true", help="a fifth of the load, for a first look")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
