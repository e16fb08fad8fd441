from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from millstream.gateway.auth.second_factor import PERIOD, described, matching_step

SECRET = pyotp.random_base32()
NOW = datetime(2027, 1, 15, 8, 0, 7, tzinfo=UTC)
STEP = int(NOW.timestamp()) // PERIOD


def code(step: int) -> str:
    return pyotp.TOTP(SECRET).generate_otp(step)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_code_of_now_or_a_step_beside_counts(offset: int):
    assert matching_step(SECRET, code(STEP + offset), NOW, 0) == STEP + offset


@pytest.mark.parametrize("offset", [-3, -2, 2, 3])
def test_an_older_or_later_code_does_not_count(offset: int):
    assert matching_step(SECRET, code(STEP + offset), NOW, 0) is None


def test_a_used_code_and_those_before_it_do_not_count_again():
    assert matching_step(SECRET, code(STEP), NOW, STEP) is None
    assert matching_step(SECRET, code(STEP - 1), NOW, STEP) is None
    assert matching_step(SECRET, code(STEP + 1), NOW + timedelta(seconds=30), STEP) == STEP + 1


@pytest.mark.parametrize("text", ["", "12345", "abcdef", "１２３４５６", "0" * 100])
def test_what_is_no_code_does_not_count(text: str):
    assert matching_step(SECRET, text, NOW, 0) is None


def test_blanks_in_a_code_do_not_matter():
    made = code(STEP)
    assert matching_step(SECRET, f" {made[:3]} {made[3:]}", NOW, 0) == STEP


def test_an_offer_holds_the_secret_as_text_address_and_picture():
    offer = described("ann", SECRET)
    assert offer.secret == SECRET
    assert offer.uri.startswith("otpauth://totp/Millstream:ann?secret=")
    assert offer.qr_svg.startswith("<svg")
