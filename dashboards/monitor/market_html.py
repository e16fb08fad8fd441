"""The words of the market page: the quote, and why a chart has nothing to show."""

from millstream.contracts.api.market import Mark

from ..i18n import Translator
from .formats import Formats
from .html import empty, figure, figures, heading


def quote(t: Translator, f: Formats, mark: Mark) -> str:
    """The newest price with the best bid and ask where the market gives quotes, and that this is all there is."""
    key = mark.instrument
    cards = [figure(t("market.last"), f.price(mark.price, key), f.moment(mark.time))]
    both = mark.bid is not None and mark.ask is not None
    if mark.bid is not None and mark.ask is not None:
        spread = mark.ask - mark.bid
        cards += [
            figure(t("market.bid"), f.price(mark.bid, key)),
            figure(t("market.ask"), f.price(mark.ask, key)),
            figure(t("market.spread"), f.price(spread, key), f.percent(float(spread / mark.price), 3)),
        ]
    note = t("market.quote_note" if both else "market.no_quote")
    return heading(t("market.quote"), f'<span class="note">{note}</span>') + figures(cards)


def no_instrument(t: Translator) -> str:
    """Nothing is registered."""
    return empty(t("market.none"), t("market.none_next"), "./instruments")


def no_candles(t: Translator, instrument: str) -> str:
    """No candle of this instrument is stored, in any time frame."""
    return empty(t("market.no_candles", instrument=instrument), t("market.no_candles_next"))


def no_frame(t: Translator) -> str:
    """No time frame is ticked."""
    return empty(t("market.no_frame"), t("market.no_frame_next"))


def not_yet(t: Translator, session: str, stands: str) -> str:
    """The market stands before the first stored candle, or has not begun."""
    return empty(t("market.not_yet", session=session, time=stands), t("market.not_yet_next"))
