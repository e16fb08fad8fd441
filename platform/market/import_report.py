"""What an import found and did."""

from decimal import Decimal
from enum import StrEnum

import msgspec


class Fault(StrEnum):
    """Why a row was left out."""

    NOT_A_TIME = "not_a_time"
    OFF_GRID = "off_grid"
    NOT_FINITE = "not_finite"
    NON_POSITIVE_PRICE = "non_positive_price"
    HIGH_BELOW_LOW = "high_below_low"
    OUTSIDE_RANGE = "outside_range"
    NEGATIVE_VOLUME = "negative_volume"


class BadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row left out. ``row`` counts data rows from 1; in a CSV file with a header line the line is one more."""

    row: int
    fault: Fault
    message: str


class Duplicate(msgspec.Struct, frozen=True, kw_only=True):
    """A row whose time stands in an earlier row, which was kept. ``same``: the values are equal too."""

    row: int
    first_row: int
    open_time: int
    same: bool


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """``missing`` candles between the open times ``after`` and ``before`` (UTC ns), behind data row ``row``."""

    row: int
    after: int
    before: int
    missing: int


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """One import. ``rows`` = valid + bad + duplicates; valid = ``new`` + ``unchanged`` + ``replaced``.

    ``first`` and ``last`` are open times in UTC ns (0 when no row was valid); ``assumptions`` are in words.
    """

    source: str
    instrument: str
    timeframe: str
    rows: int
    new: int
    unchanged: int
    replaced: int
    first: int
    last: int
    bad_rows: tuple[BadRow, ...]
    duplicates: tuple[Duplicate, ...]
    gaps: tuple[Gap, ...]
    assumptions: tuple[str, ...]
    registered: bool
    price_tick: Decimal
    lot_step: Decimal
    fee_rate: Decimal
    currency: str

    @property
    def missing(self) -> int:
        """Candles missing in all gaps together."""
        return sum(gap.missing for gap in self.gaps)

    @property
    def clean(self) -> bool:
        """Nothing was left out: no bad row, no duplicate with other values."""
        return not self.bad_rows and all(duplicate.same for duplicate in self.duplicates)
