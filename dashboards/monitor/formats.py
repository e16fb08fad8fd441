"""Numbers and times as a viewer reads them: in their language and their time zone.

Prices and quantities have the digits of their instrument's tick and lot, amounts of money two. Whatever is not zero is
never written as zero.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from math import isfinite
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import get_decimal_symbol, get_group_symbol

from millstream.contracts.api.market import Instrument

Number = Decimal | float | int
NOTHING = "–"
LOCALES = {"en": "en_GB", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "zh": "zh_Hans_CN"}
LEAST, MOST = 2, 6
SIGNIFICANT = 5
TINIEST = 18


@dataclass(frozen=True, slots=True)
class Steps:
    """Decimals of an instrument's prices and quantities, and the currency its profits are in."""

    price: int
    quantity: int
    currency: str


_UNKNOWN = Steps(-1, -1, "")


def decimals_of(step: Decimal) -> int:
    """How many decimals a multiple of ``step`` has: 2 for 0.05, 0 for 10."""
    exponent = step.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def decimals_for(value: Number, significant: int = SIGNIFICANT) -> int:
    """Decimals that show ``significant`` digits: 2 to 6, and more for what would be written as zero otherwise."""
    exact = _exact(value)
    if not exact:
        return LEAST
    return _enough(exact, min(max(significant - 1 - exact.adjusted(), LEAST), MOST))


def _exact(value: Number) -> Decimal:
    exact = abs(Decimal(str(value)))
    return exact if exact.is_finite() else Decimal(0)


def _enough(exact: Decimal, decimals: int) -> int:
    """``decimals``, or as many as show four digits of what they would write as zero."""
    hidden = exact and exact * 2 * 10**decimals < 1
    return min(3 - exact.adjusted(), TINIEST) if hidden else decimals


def zone_of(name: str) -> tzinfo:
    """The time zone ``name``; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


class Formats:
    """Formats of one viewer. None is written as a dash everywhere."""

    def __init__(self, language: str, time_zone: str) -> None:
        self.locale = Locale.parse(LOCALES.get(language, "en_GB"))
        self.tag = str(self.locale).replace("_", "-")
        self.zone = zone_of(time_zone)
        self.zone_name = str(self.zone)
        self.decimal_mark = get_decimal_symbol(self.locale)
        self.group_mark = get_group_symbol(self.locale)
        self._percent = str(self.locale.percent_formats[None].suffix[0])
        self._steps: dict[str, Steps] = {}

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """Write prices and quantities of these instruments with the digits of their tick and lot from now on."""
        for one in instruments:
            self._steps[one.key] = Steps(decimals_of(one.price_tick), decimals_of(one.lot_step), one.currency)

    def knows(self, instrument: str) -> bool:
        """Whether tick and lot of ``instrument`` are known."""
        return instrument in self._steps

    def currency(self, instrument: str) -> str:
        """The currency of an instrument's prices and profits, empty while it is not known."""
        return self._of(instrument).currency

    def number(self, value: Number | None, digits: int = 2, *, signed: bool = False) -> str:
        """With exactly ``digits`` decimals; ``signed`` writes the plus too."""
        return self._written(value, digits, digits, signed=signed)

    def short(self, value: Number | None, most: int = 2) -> str:
        """With at most ``most`` decimals, without needless zeros."""
        return NOTHING if value is None else self._written(value, 0, _enough(_exact(value), most))

    def money(self, value: Number | None, currency: str = "", *, signed: bool = False) -> str:
        """Two decimals and the currency's code behind them; a fraction of a cent shows its first digits."""
        if value is None:
            return NOTHING
        text = self._written(value, LEAST, _enough(_exact(value), LEAST), signed=signed)
        return f"{text} {currency}" if currency and text != NOTHING else text

    def price(self, value: Number | None, instrument: str = "") -> str:
        """With the decimals of the instrument's tick; of one that is not known, about five digits."""
        if value is None:
            return NOTHING
        known = self._of(instrument).price
        return self._written(value, known if known >= 0 else LEAST, self.places(value, instrument))

    def places(self, value: Number, instrument: str = "") -> int:
        """How many decimals a price like ``value`` has."""
        known = self._of(instrument).price
        return decimals_for(value) if known < 0 else _enough(_exact(value), known)

    def quantity(self, value: Number | None, instrument: str = "", *, signed: bool = False) -> str:
        """At most the decimals of the instrument's lot, without needless zeros; six where it is not known."""
        if value is None:
            return NOTHING
        known = self._of(instrument).quantity
        return self._written(value, 0, _enough(_exact(value), known if known >= 0 else MOST), signed=signed)

    def percent(self, fraction: float | None, digits: int = 2, *, signed: bool = False) -> str:
        """A fraction in percent: 0.05 is 5 %."""
        if fraction is None or not isfinite(fraction):
            return NOTHING
        return self._written(Decimal(str(fraction)) * 100, digits, digits, signed=signed) + self._percent

    def ratio(self, value: float | None) -> str:
        """A bare ratio with two decimals."""
        return self.number(value, 2)

    def local(self, moment: datetime) -> datetime:
        """The viewer's wall clock at ``moment``, without a zone: what an axis of a chart shows."""
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def moment(self, moment: datetime | None) -> str:
        """Date and time to the second."""
        if moment is None:
            return NOTHING
        date = format_date(moment.astimezone(self.zone).date(), "medium", locale=self.locale)
        return f"{date} {self.time(moment)}"

    def time(self, moment: datetime | None) -> str:
        """Time of day to the second."""
        if moment is None:
            return NOTHING
        return format_time(moment, "HH:mm:ss", tzinfo=self.zone, locale=self.locale)

    def date(self, moment: datetime | None) -> str:
        """The day."""
        if moment is None:
            return NOTHING
        return format_date(moment.astimezone(self.zone).date(), "medium", locale=self.locale)

    def _of(self, instrument: str) -> Steps:
        return self._steps.get(instrument, _UNKNOWN)

    def _written(self, value: Number | None, least: int, most: int, *, signed: bool = False) -> str:
        """``value`` with ``least`` to ``most`` decimals. What rounds to zero has no sign."""
        if value is None or not isfinite(value):
            return NOTHING
        whole, _, places = f"{value:,.{max(least, most)}f}".partition(".")
        places = places.rstrip("0").ljust(least, "0")
        text = whole.replace(",", self.group_mark) + (self.decimal_mark + places if places else "")
        if not any("1" <= digit <= "9" for digit in text):
            return text.removeprefix("-")
        return f"+{text}" if signed and value > 0 else text
