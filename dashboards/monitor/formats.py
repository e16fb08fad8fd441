"""Numbers and times as a viewer reads them: in their language and their time zone."""

from datetime import datetime, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent, get_decimal_symbol, get_group_symbol

Number = Decimal | float | int
NOTHING = "–"
LOCALES = {"en": "en_GB", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "zh": "zh_Hans_CN"}


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
        self.zone = zone_of(time_zone)
        self.zone_name = str(self.zone)
        self.decimal_mark = get_decimal_symbol(self.locale)
        self.group_mark = get_group_symbol(self.locale)

    def number(self, value: Number | None, digits: int = 2, *, signed: bool = False) -> str:
        """With exactly ``digits`` decimals; ``signed`` writes the plus too."""
        if value is None:
            return NOTHING
        fraction = "0" * digits
        pattern = f"#,##0.{fraction}" if digits else "#,##0"
        text = format_decimal(value, pattern, locale=self.locale, group_separator=True)
        return self._signed(text, value) if signed else text

    def money(self, value: Number | None, currency: str = "", *, signed: bool = False) -> str:
        """Two decimals and the currency's code behind them."""
        text = self.number(value, 2, signed=signed)
        return f"{text} {currency}" if currency and value is not None else text

    def price(self, value: Number | None) -> str:
        """As precise as it is: at least two decimals, at most eight."""
        if value is None:
            return NOTHING
        return format_decimal(value, "#,##0.00######", locale=self.locale)

    def quantity(self, value: Number | None) -> str:
        """As precise as it is, without needless zeros."""
        return NOTHING if value is None else format_decimal(value, "#,##0.########", locale=self.locale)

    def percent(self, fraction: float | None, digits: int = 2, *, signed: bool = False) -> str:
        """A fraction in percent: 0.05 is 5 %."""
        if fraction is None:
            return NOTHING
        text = format_percent(fraction, "#,##0." + "0" * digits + "%", locale=self.locale)
        return self._signed(text, fraction) if signed else text

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

    def _signed(self, text: str, value: Number) -> str:
        return f"+{text}" if value > 0 else text
