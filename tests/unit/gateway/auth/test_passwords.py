from argon2 import PasswordHasher
from pydantic import SecretStr

from millstream.gateway.auth.passwords import Passwords

PASSWORD = SecretStr("correct horse battery")


async def test_a_hash_is_argon2id_and_matches_its_password_only():
    passwords = Passwords()
    made = await passwords.hash("ann", PASSWORD)
    assert made.startswith("$argon2id$")
    assert await passwords.matches(made, PASSWORD)
    assert not await passwords.matches(made, SecretStr("another"))
    assert not passwords.outdated(made)


async def test_nobodys_password_never_matches_not_even_the_stand_in():
    passwords = Passwords()
    for text in ("", "nobody has this password", "another"):
        assert not await passwords.matches("", SecretStr(text))


async def test_a_weaker_hash_is_outdated_and_a_broken_one_does_not_match():
    passwords = Passwords()
    assert passwords.outdated(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("x"))
    assert not await passwords.matches("$argon2id$broken", PASSWORD)
