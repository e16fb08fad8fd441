"""Opening the account that a deployment trades on."""

from decimal import Decimal
from typing import Any

import psycopg

from ..contracts.errors import ConflictError, InputError
from ..contracts.ids import parse_name


def open_portfolio(
    conn: psycopg.Connection[Any],
    *,
    portfolio_id: str,
    currency: str,
    initial_cash: Decimal,
    session: str = "",
    target: str = "paper",
) -> None:
    """Insert a portfolio at version 0 with ``initial_cash`` of ``currency``; the caller commits.

    A portfolio belongs to one session and one deployment. Raises :class:`InputError` for a bad name or a sum that is
    not positive, :class:`ConflictError` when the portfolio exists.
    """
    parse_name(portfolio_id, "portfolio")
    if not initial_cash.is_finite() or initial_cash <= 0:
        raise InputError(f"a portfolio cannot start with {initial_cash} {currency}", hint="Give a capital above zero.")
    inserted = conn.execute(
        "INSERT INTO portfolios (portfolio_id, currency, initial_cash, session, target, version, created_at)"
        " VALUES (%s, %s, %s, %s, %s, 0, now()) ON CONFLICT (portfolio_id) DO NOTHING",
        (portfolio_id, currency, initial_cash, session, target),
    ).rowcount
    if not inserted:
        raise ConflictError(f"portfolio {portfolio_id!r} exists already", hint="Choose another name.")
    conn.execute(
        "INSERT INTO cash (portfolio_id, currency, amount) VALUES (%s, %s, %s)", (portfolio_id, currency, initial_cash)
    )
