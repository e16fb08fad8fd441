import pytest

from millstream.contracts.api.identity import Permission, Role
from millstream.gateway.auth.permissions import GRANTS, NOT_YET, permitted

P = Permission


def test_every_role_looks_and_keeps_its_account_and_none_is_granted_the_public():
    assert set(GRANTS) == set(Role)
    for granted in GRANTS.values():
        assert {P.SELF, P.READ} <= granted
        assert P.PUBLIC not in granted


def test_roles_have_what_the_design_gives_them():
    assert GRANTS[Role.VIEWER] == {P.SELF, P.READ}
    assert GRANTS[Role.TRADER] - GRANTS[Role.VIEWER] == {P.TRADE, P.HALT, P.DEPLOY}
    assert GRANTS[Role.RESEARCHER] - GRANTS[Role.VIEWER] == {P.PROMOTE, P.DEPLOY}
    assert GRANTS[Role.OPERATOR] - GRANTS[Role.VIEWER] == {P.DEPLOY, P.HALT, P.LIMITS, P.INSTRUMENTS, P.AUDIT}
    assert GRANTS[Role.ADMIN] == set(Permission) - {P.PUBLIC}


def test_an_admin_without_a_second_factor_has_only_the_own_account():
    assert permitted(Role.ADMIN, enrolled=False, second_factor=False) == NOT_YET
    assert permitted(Role.ADMIN, enrolled=False, second_factor=False, scopes=[P.USERS]) == NOT_YET


@pytest.mark.parametrize("role", Role)
def test_who_is_enrolled_and_gave_no_code_has_only_the_own_account(role: Role):
    assert permitted(role, enrolled=True, second_factor=False) == NOT_YET


@pytest.mark.parametrize("role", Role)
def test_live_goes_with_a_second_factor_only(role: Role):
    assert P.LIVE not in permitted(role, enrolled=False, second_factor=False)
    assert P.LIVE not in permitted(role, enrolled=True, second_factor=False, scopes=list(Permission))
    assert (P.LIVE in permitted(role, enrolled=True, second_factor=True)) is (role is Role.ADMIN)


def test_a_key_has_no_more_than_its_scopes_and_its_role():
    assert permitted(Role.TRADER, enrolled=False, second_factor=False, scopes=[P.READ, P.USERS]) == {P.SELF, P.READ}
