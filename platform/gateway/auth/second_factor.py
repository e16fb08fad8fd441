"""The second factor: TOTP (RFC 6238, 30 s, 6 digits, SHA-1), each code accepted once."""

import hmac
import re
from datetime import datetime

import pyotp
import segno

from ...contracts.api.identity import SecondFactorOffer
from ..context import Connection
from .keyring import Keyring

PERIOD = 30
# One step before and after: clocks of telephones differ, and typing takes time.
TOLERANCE = 1
ISSUER = "Millstream"
_SPACES = re.compile(r"[\s-]+")


def matching_step(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """The step whose code this is, newer than ``last_step``; None for a wrong or used one."""
    given = _SPACES.sub("", code).encode()
    current = int(now.timestamp()) // PERIOD
    totp = pyotp.TOTP(secret)
    found = None
    # Every candidate is compared, so that the time tells nothing.
    for step in range(current - TOLERANCE, current + TOLERANCE + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), given) and step > last_step:
            found = step
    return found


def spend(conn: Connection, keyring: Keyring, user: str, code: str, now: datetime) -> bool:
    """Accept a code of a person's second factor, once; False for a wrong or used one. The row stays locked."""
    row = conn.execute("SELECT totp_secret, totp_step FROM users WHERE user_id = %s FOR UPDATE", (user,)).fetchone()
    if row is None or not row[0]:
        return False
    step = matching_step(keyring.unseal(row[0]), code, now, row[1])
    if step is None:
        return False
    conn.execute("UPDATE users SET totp_step = %s WHERE user_id = %s", (step, user))
    return True


def offer(conn: Connection, keyring: Keyring, user: str) -> SecondFactorOffer:
    """A new secret, which waits for its first code; the one in use stays in use until then."""
    secret = pyotp.random_base32()
    conn.execute("UPDATE users SET totp_pending = %s WHERE user_id = %s", (keyring.seal(secret), user))
    return described(user, secret)


def pending(conn: Connection, keyring: Keyring, user: str) -> SecondFactorOffer | None:
    """The offered secret that still waits for its first code."""
    row = conn.execute("SELECT totp_pending FROM users WHERE user_id = %s", (user,)).fetchone()
    return described(user, keyring.unseal(row[0])) if row and row[0] else None


def enrol(conn: Connection, keyring: Keyring, user: str, code: str, now: datetime) -> bool:
    """Put the offered secret to use when ``code`` is one of its codes."""
    row = conn.execute("SELECT totp_pending FROM users WHERE user_id = %s FOR UPDATE", (user,)).fetchone()
    if row is None or not row[0]:
        return False
    step = matching_step(keyring.unseal(row[0]), code, now, 0)
    if step is None:
        return False
    conn.execute(
        "UPDATE users SET totp_secret = totp_pending, totp_pending = '', totp_step = %s WHERE user_id = %s",
        (step, user),
    )
    return True


def described(user: str, secret: str) -> SecondFactorOffer:
    """A secret as a person takes it over: as text, as an address for an app, as a QR code (SVG)."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name=ISSUER)
    svg = segno.make(uri, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff")
    return SecondFactorOffer(secret=secret, uri=uri, qr_svg=svg)
