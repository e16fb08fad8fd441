"""What a run of the benchmark comes to. Pure: times in ns and bytes in, milliseconds and KiB out."""

from collections.abc import Sequence

import msgspec


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from the call that sends until a client has it (over all clients and rounds), and until all have it.

    ``kib_per_client`` is the growth of the server's proportional set size for each connection: of a few connections it
    is smaller than what the process takes and gives back by itself.
    """

    server: str
    clients: int
    rounds: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    all_p50_ms: float
    all_p99_ms: float
    kib_per_client: float


def result_of(server: str, clients: int, rounds: Sequence[Sequence[int]], *, before: int, after: int) -> Result:
    """Of the ns after which each client had the event, round by round, and the server's bytes without and with them."""
    arrivals = sorted(time for times in rounds for time in times)
    completions = sorted(max(times) for times in rounds)
    return Result(
        server=server,
        clients=clients,
        rounds=len(rounds),
        p50_ms=_quantile(arrivals, 0.5),
        p99_ms=_quantile(arrivals, 0.99),
        max_ms=arrivals[-1] / 1e6,
        all_p50_ms=_quantile(completions, 0.5),
        all_p99_ms=_quantile(completions, 0.99),
        kib_per_client=(after - before) / clients / 1024,
    )


def ratio(ours: Result, base: Result) -> float:
    """How many times as long ours takes until all clients have the event, by the medians."""
    return ours.all_p50_ms / base.all_p50_ms


def _quantile(ordered: Sequence[int], share: float) -> float:
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))] / 1e6
