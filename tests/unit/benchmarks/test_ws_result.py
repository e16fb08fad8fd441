"""The arithmetic of the benchmark of live events, on numbers worked out by hand."""

import pytest

from benchmarks.ws.result import ratio, result_of

MS = 1_000_000


def test_result_of_known_times_and_bytes():
    rounds = [[1 * MS, 4 * MS], [2 * MS, 10 * MS], [3 * MS, 6 * MS]]
    found = result_of("s", 2, rounds, before=1_000 * 1024, after=1_030 * 1024)
    # All arrivals: 1 2 3 4 6 10 (the median by the nearest rank is the third); the last of each round: 4 6 10.
    assert (found.p50_ms, found.p99_ms, found.max_ms) == (3, 10, 10)
    assert (found.all_p50_ms, found.all_p99_ms) == (6, 10)
    assert (found.clients, found.rounds, found.kib_per_client) == (2, 3, 15)


def test_ratio_compares_the_medians_until_all_have_it():
    base = result_of("base", 1, [[2 * MS], [4 * MS], [90 * MS]], before=0, after=0)
    ours = result_of("ours", 1, [[5 * MS], [6 * MS], [7 * MS]], before=0, after=0)
    assert ratio(ours, base) == pytest.approx(1.5)
