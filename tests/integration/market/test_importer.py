from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from millstream.contracts.errors import ConflictError, InputError, NotFoundError
from millstream.contracts.time import to_datetime
from millstream.market import candles, instruments
from millstream.market.import_report import Fault
from millstream.market.importer import InstrumentOptions, import_candles
from millstream.store.database import connect_sync

HEADER = "timestamp,open,high,low,close,volume\n"
GOOD = HEADER + (
    "2024-03-01T00:00:00Z,10.1,10.5,10,10.25,3\n"
    "2024-03-01T00:05:00Z,10.25,10.75,10.2,10.5,4\n"
    "2024-03-01T00:15:00Z,10.5,10.6,10.4,10.45,5\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "candles.csv"
    path.write_text(GOOD)
    return path


def test_import_stores_candles_and_registers_the_instrument(dsn: str, file: Path):
    with connect_sync(dsn) as conn:
        report = import_candles(conn, file, "TEST:ABC/EUR", "5m")
        stored = candles.read(conn, "TEST:ABC/EUR", "5m")
        instrument = instruments.get(conn, "TEST:ABC/EUR")
    assert (report.rows, report.new, report.unchanged, report.registered) == (3, 3, 0, True)
    assert stored["close"].tolist() == [10.25, 10.5, 10.45]
    assert (instrument.price_tick, instrument.lot_step) == (Decimal("0.01"), Decimal("0.000001"))
    assert (instrument.fee_rate, instrument.currency, instrument.base) == (Decimal("0.001"), "EUR", "ABC")
    assert [(gap.row, gap.missing) for gap in report.gaps] == [(2, 1)]
    assert report.clean
    assert report.assumptions[0] == "texts with a zone, converted to UTC"


def test_second_import_changes_nothing(dsn: str, file: Path):
    with connect_sync(dsn) as conn:
        import_candles(conn, file, "T:A", "5m")
        before = candles.get_series(conn, "T:A", "5m")
        report = import_candles(conn, file, "T:A", "5m")
        assert (report.new, report.unchanged, report.registered) == (0, 3, False)
        assert candles.get_series(conn, "T:A", "5m") == before


def test_conflicting_import_is_refused_and_leaves_no_trace(dsn: str, file: Path):
    with connect_sync(dsn) as conn:
        import_candles(conn, file, "T:A", "5m")
        file.write_text(GOOD.replace("10.25,3", "10.26,3") + "2024-03-01T00:20:00Z,1,1,1,1,1\n")
        with pytest.raises(ConflictError, match=r"1 5m candles of T:A .*2024-03-01T00:00:00Z") as refusal:
            import_candles(conn, file, "T:A", "5m")
        assert "--replace" in refusal.value.hint
        assert candles.read(conn, "T:A", "5m")["close"].tolist() == [10.25, 10.5, 10.45]


def test_conflicting_import_with_replace_overwrites(dsn: str, file: Path):
    with connect_sync(dsn) as conn:
        import_candles(conn, file, "T:A", "5m")
        version = candles.get_series(conn, "T:A", "5m").version
        file.write_text(GOOD.replace("10.25,3", "10.26,3"))
        report = import_candles(conn, file, "T:A", "5m", replace=True)
        assert (report.new, report.unchanged, report.replaced) == (0, 2, 1)
        assert candles.read(conn, "T:A", "5m")["close"].iloc[0] == 10.26
        assert candles.get_series(conn, "T:A", "5m").version == version + 1


def test_bad_rows_are_left_out_and_reported_with_their_numbers(dsn: str, file: Path):
    file.write_text(
        GOOD
        + "2024-03-01T00:20:00Z,x,10.6,10.4,10.45,5\n"
        + "2024-03-01T00:25:00Z,10.5,10.4,10.6,10.5,5\n"
        + "2024-03-01T00:30:00Z,10.5,10.6,10.4,11,5\n"
        + "2024-03-01T00:35:00Z,10.5,10.6,10.4,10.5,-5\n"
        + "2024-03-01T00:40:00Z,0,10.6,0,10.5,5\n"
        + "2024-03-01T00:42:00Z,10.5,10.6,10.4,10.5,5\n"
        + "yesterday,10.5,10.6,10.4,10.5,5\n"
        + "2024-03-01T00:00:00Z,10.1,10.5,10,10.25,3\n"
        + "2024-03-01T00:05:00Z,10.3,10.75,10.2,10.5,4\n"
    )
    with connect_sync(dsn) as conn:
        report = import_candles(conn, file, "T:A", "5m")
    assert [(row.row, row.fault) for row in report.bad_rows] == [
        (4, Fault.NOT_FINITE),
        (5, Fault.HIGH_BELOW_LOW),
        (6, Fault.OUTSIDE_RANGE),
        (7, Fault.NEGATIVE_VOLUME),
        (8, Fault.NON_POSITIVE_PRICE),
        (9, Fault.OFF_GRID),
        (10, Fault.NOT_A_TIME),
    ]
    assert [(twin.row, twin.first_row, twin.same) for twin in report.duplicates] == [(11, 1, True), (12, 2, False)]
    assert (report.rows, report.new) == (12, 3)
    assert not report.clean


def test_parquet_and_csv_of_the_same_candles_are_the_same(dsn: str, file: Path, tmp_path: Path):
    table = pd.read_csv(file)
    table["timestamp"] = pd.to_datetime(table["timestamp"])
    table.to_parquet(tmp_path / "same.parquet")
    with connect_sync(dsn) as conn:
        import_candles(conn, file, "T:A", "5m")
        report = import_candles(conn, tmp_path / "same.parquet", "T:A", "5m")
    assert (report.new, report.unchanged) == (0, 3)


def test_time_zone_of_naive_times_is_applied_and_said(dsn: str, file: Path):
    file.write_text(GOOD.replace("Z,", ","))
    with connect_sync(dsn) as conn:
        report = import_candles(conn, file, "T:A", "5m", time_zone="Europe/Berlin")
    assert to_datetime(report.first).hour == 23
    assert "read as Europe/Berlin" in report.assumptions[0]


def test_options_set_the_instrument_and_a_later_import_keeps_it(dsn: str, file: Path):
    options = InstrumentOptions(price_tick=Decimal("0.05"), lot_step=Decimal(1), fee_rate=Decimal(0), currency="CHF")
    with connect_sync(dsn) as conn:
        import_candles(conn, file, "T:A", "5m", options=options)
        report = import_candles(conn, file, "T:A", "5m")
        assert (report.price_tick, report.lot_step, report.fee_rate) == (Decimal("0.05"), Decimal(1), Decimal(0))
        assert (report.currency, report.registered) == ("CHF", False)
        assert import_candles(conn, file, "T:A", "5m", options=InstrumentOptions(fee_rate=Decimal(1))).registered


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("timestamp,open,high,low,volume\n1,1,1,1,1\n", "no column 'close'"),
        (HEADER, "no row of the file is valid"),
        ("", "cannot be read"),
        (HEADER + "".join(f"2024-03-01T00:0{m}:00Z,1,1,1,1,1\n" for m in range(9)), "off the grid of 5m"),
    ],
)
def test_unusable_file_is_refused(dsn: str, file: Path, content: str, message: str):
    file.write_text(content)
    with connect_sync(dsn) as conn, pytest.raises(InputError, match=message):
        import_candles(conn, file, "T:A", "5m")


def test_broken_parquet_other_suffix_and_missing_file_are_refused(dsn: str, tmp_path: Path):
    broken, other = tmp_path / "x.parquet", tmp_path / "x.xlsx"
    broken.write_bytes(b"PAR1 nothing")
    other.write_bytes(b"")
    with connect_sync(dsn) as conn:
        with pytest.raises(InputError, match="cannot be read"):
            import_candles(conn, broken, "T:A", "5m")
        with pytest.raises(InputError, match="neither"):
            import_candles(conn, other, "T:A", "5m")
        with pytest.raises(NotFoundError):
            import_candles(conn, tmp_path / "none.csv", "T:A", "5m")


def test_instrument_is_resolved_by_key_symbol_or_with_a_suggestion(dsn: str, file: Path):
    with connect_sync(dsn) as conn:
        with pytest.raises(NotFoundError) as empty:
            instruments.resolve(conn, "ABC")
        assert "millstream data" in empty.value.hint
        for key in ("A:ABC", "B:XYZ", "A:XYZ"):
            import_candles(conn, file, key, "5m")
        assert instruments.resolve(conn, "abc") == "A:ABC"
        assert instruments.resolve(conn, "B:XYZ") == "B:XYZ"
        with pytest.raises(InputError, match="several exchanges") as several:
            instruments.resolve(conn, "XYZ")
        assert "A:XYZ, B:XYZ" in several.value.hint
        with pytest.raises(NotFoundError) as near:
            instruments.resolve(conn, "ABX")
        assert near.value.hint.startswith("Did you mean A:ABC")
        with pytest.raises(NotFoundError):
            instruments.get(conn, "A:NONE")
        assert [one.key for one in instruments.list_instruments(conn)] == ["A:ABC", "A:XYZ", "B:XYZ"]
