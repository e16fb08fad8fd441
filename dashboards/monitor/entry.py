"""What people type into forms, as values."""

from decimal import Decimal, InvalidOperation

from millstream.contracts.errors import InputError

from ..i18n import Translator


def number_in(t: Translator, field: str, text: str) -> Decimal | None:
    """The number in ``text``, None where nothing stands. Raises :class:`InputError` that names the ``field``."""
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise InputError(t("form.not_a_number", field=field, value=text), hint=t("form.number_hint"))
    return value
