"""Words of the vocabularies as SQL writes them."""

from typing import LiteralString

# The terminal states of ``contracts.enums.OrderState``, for ``state IN …``; a test holds the two together.
ENDED_ORDERS: LiteralString = "('denied', 'filled', 'canceled', 'rejected', 'expired')"
