"""What a person may do inside Jupyter: deny by default, by resource and action."""

import json
from collections.abc import Iterator
from typing import Any

from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.identity import User
from tornado import web

from millstream.contracts.api.identity import Permission

from .identity import Person

# What is not named here is refused. A kernel acts with its person's own token, so running one gives nobody a right
# that the gateway does not grant them.
NEEDS: dict[tuple[str, str], Permission] = {
    ("api", "read"): Permission.READ,
    ("config", "read"): Permission.READ,
    ("config", "write"): Permission.READ,
    ("contents", "read"): Permission.READ,
    ("contents", "write"): Permission.PROMOTE,
    ("csp", "write"): Permission.READ,
    ("events", "execute"): Permission.READ,
    ("events", "read"): Permission.READ,
    ("events", "write"): Permission.READ,
    ("kernels", "execute"): Permission.READ,
    ("kernels", "read"): Permission.READ,
    ("kernels", "write"): Permission.READ,
    ("kernelspecs", "read"): Permission.READ,
    ("lsp", "execute"): Permission.PROMOTE,
    ("lsp", "read"): Permission.READ,
    ("millstream", "read"): Permission.READ,
    ("millstream", "write"): Permission.READ,  # the gateway decides each command
    ("nbconvert", "read"): Permission.READ,
    ("nbconvert", "write"): Permission.READ,
    ("server", "write"): Permission.USERS,
    ("sessions", "read"): Permission.READ,
    ("sessions", "write"): Permission.READ,
    ("terminals", "execute"): Permission.PROMOTE,
    ("terminals", "read"): Permission.PROMOTE,
    ("terminals", "write"): Permission.PROMOTE,
}


class MillstreamAuthorizer(Authorizer):
    """Asks the person's permissions; another person's kernel answers 404."""

    def is_authorized(self, handler: Any, user: User, action: str, resource: str) -> bool:
        needed = NEEDS.get((resource, action))
        if needed is None or not isinstance(user, Person) or not user.may(needed):
            return False
        for kernel_id in _kernels_named(handler, resource):
            if kernel_id in handler.kernel_manager and not _owns(handler.kernel_manager, kernel_id, user):
                raise web.HTTPError(404, f"Kernel does not exist: {kernel_id}")
        return True


def _kernels_named(handler: Any, resource: str) -> Iterator[str]:
    """Ids of kernels that a request is about: in its path, or as the kernel that a session or a start asks for."""
    yield handler.path_kwargs.get("kernel_id", "")
    body = _body(handler) if resource in {"kernels", "sessions"} else None
    if isinstance(body, dict):
        kernel = body.get("kernel")
        yield str(body.get("kernel_id") or "")
        yield str((kernel.get("id") if isinstance(kernel, dict) else None) or "")


def _body(handler: Any) -> Any:
    """The JSON of a request; None for another body, which a handler that needs JSON refuses itself."""
    try:
        return json.loads(handler.request.body or b"null")
    except ValueError:
        return None


def _owns(kernels: Any, kernel_id: str, user: Person) -> bool:
    """A kernel manager that does not know whose its kernels are shares none of them."""
    owner_of = getattr(kernels, "owner_of", None)
    return owner_of is not None and owner_of(kernel_id) == user.username
