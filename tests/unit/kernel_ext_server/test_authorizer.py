import json
from types import SimpleNamespace

import pytest
from jupyter_server.auth.identity import IdentityProvider, User
from tornado import web

from millstream.contracts.api.identity import Permission
from millstream_kernel.authorizer import MillstreamAuthorizer
from millstream_kernel.identity import Person

READER = ("self", "read")
RESEARCHER = ("self", "read", "promote", "deploy")


@pytest.fixture
def authorizer() -> MillstreamAuthorizer:
    return MillstreamAuthorizer(identity_provider=IdentityProvider(token="x"))


def person(*permissions: str, name: str = "ann") -> Person:
    return Person(username=name, role="r", permissions=permissions)


class Kernels(dict):
    def owner_of(self, kernel_id: str) -> str | None:
        return self.get(kernel_id)


def handler(kernel_id: str = "", body: object = None, kernels: object = None):
    raw = b"" if body is None else json.dumps(body).encode()
    return SimpleNamespace(
        path_kwargs={"kernel_id": kernel_id} if kernel_id else {},
        kernel_manager=Kernels(mine="ann", theirs="bob") if kernels is None else kernels,
        request=SimpleNamespace(body=raw),
    )


def test_a_resource_that_nobody_named_is_refused(authorizer):
    everything = person(*(permission.value for permission in Permission))
    assert not authorizer.is_authorized(handler(), everything, "read", "something new")
    assert not authorizer.is_authorized(handler(), everything, "execute", "contents")


def test_somebody_without_read_gets_nothing(authorizer):
    from millstream_kernel.authorizer import NEEDS

    assert not any(authorizer.is_authorized(handler(), person("self"), action, what) for what, action in NEEDS)


def test_a_person_of_another_provider_gets_nothing(authorizer):
    assert not authorizer.is_authorized(handler(), User(username="ann"), "read", "contents")


@pytest.mark.parametrize(
    ("permissions", "action", "resource", "allowed"),
    [
        (READER, "read", "contents", True),
        (READER, "write", "contents", False),
        (READER, "execute", "kernels", True),
        (READER, "execute", "terminals", False),
        (RESEARCHER, "write", "contents", True),
        (RESEARCHER, "execute", "terminals", True),
        (RESEARCHER, "write", "server", False),
    ],
)
def test_permissions_decide(authorizer, permissions, action, resource, allowed):
    assert authorizer.is_authorized(handler(), person(*permissions), action, resource) is allowed


def test_ones_own_kernel_is_allowed_and_a_new_one_too(authorizer):
    assert authorizer.is_authorized(handler("mine"), person(*READER), "read", "kernels")
    assert authorizer.is_authorized(handler(body={"kernel_id": "new"}), person(*READER), "write", "kernels")


@pytest.mark.parametrize(
    ("asked", "resource"),
    [
        (handler("theirs"), "kernels"),
        (handler(body={"kernel_id": "theirs"}), "kernels"),
        (handler(body={"kernel": {"id": "theirs"}}), "sessions"),
        (handler("mine", kernels={"mine": "a manager without owners"}), "kernels"),
    ],
)
def test_another_persons_kernel_does_not_exist(authorizer, asked, resource):
    with pytest.raises(web.HTTPError) as refused:
        authorizer.is_authorized(asked, person(*READER), "write", resource)
    assert refused.value.status_code == 404


def test_a_body_that_is_no_json_names_no_kernel(authorizer):
    asked = handler("mine")
    asked.request.body = b"--form"
    assert authorizer.is_authorized(asked, person(*READER), "write", "kernels")
