from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from millstream.contracts.errors import InputError
from millstream.market.import_timestamps import NOT_A_TIME, parse_timestamps

MOMENT = datetime(2024, 3, 1, 12, 30, tzinfo=UTC)
NS = int(MOMENT.timestamp()) * 10**9


@pytest.mark.parametrize(
    ("values", "assumption"),
    [
        ([NS // 10**9] * 2, "seconds"),
        ([NS // 10**6] * 2, "milliseconds"),
        ([NS // 10**3] * 2, "microseconds"),
        ([NS] * 2, "nanoseconds"),
        ([float(NS // 10**6)] * 2, "milliseconds"),
        ([str(NS // 10**6)] * 2, "milliseconds"),
        (pd.array([NS // 10**9] * 2, dtype="Int64"), "seconds"),
        ([MOMENT] * 2, "zone UTC"),
        ([MOMENT.replace(tzinfo=None)] * 2, "without a zone, read as UTC"),
        (["2024-03-01T12:30:00Z", "2024-03-01 13:30:00+01:00"], "texts with a zone"),
        (["2024-03-01T12:30:00", "2024-03-01 12:30"], "texts without a zone, read as UTC"),
        (["2024-03-01T12:30:00", "2024-03-01T07:30:00-0500"], "some with a zone"),
    ],
)
def test_every_form_of_a_moment_is_the_same_moment(values: list[object], assumption: str):
    parsed = parse_timestamps(pd.Series(values))
    assert parsed.ns.tolist() == [NS, NS]
    assert assumption in parsed.assumption


def test_dates_are_midnight():
    parsed = parse_timestamps(pd.Series([date(2024, 3, 1)], dtype="object"))
    assert parsed.ns.tolist() == [int(datetime(2024, 3, 1, tzinfo=UTC).timestamp()) * 10**9]


def test_nanoseconds_are_not_rounded_through_floats():
    assert parse_timestamps(pd.Series([NS + 1])).ns.tolist() == [NS + 1]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_datetime_unit_of_the_column_does_not_matter(unit: str):
    column = pd.Series(pd.DatetimeIndex([MOMENT]).as_unit(unit))
    assert parse_timestamps(column).ns.tolist() == [NS]


def test_zone_of_naive_times_is_used_and_clock_changes_are_no_times():
    column = pd.Series(["2024-03-31 01:30", "2024-03-31 02:30", "2024-10-27 02:30"])
    parsed = parse_timestamps(column, "Europe/Berlin")
    assert parsed.ns[0] == int(datetime(2024, 3, 31, 0, 30, tzinfo=UTC).timestamp()) * 10**9
    assert (parsed.ns[1:] == NOT_A_TIME).all()


def test_what_is_no_time_is_marked():
    assert (parse_timestamps(pd.Series(["soon", None, ""])).ns == NOT_A_TIME).all()
    parsed = parse_timestamps(pd.Series([NS / 1e9, np.nan, np.inf]))
    assert (parsed.ns == NOT_A_TIME).tolist() == [False, True, True]


def test_unknown_zone_is_refused():
    with pytest.raises(InputError, match="Mars/Base"):
        parse_timestamps(pd.Series(["2024-03-01"]), "Mars/Base")
