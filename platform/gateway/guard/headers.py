"""Headers that tell the browser how to treat what the gateway answers; a route's own ones win."""

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import Message, Send

from ..screens import screens

HSTS = "max-age=31536000"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers would then send the forms of our own pages with a null origin.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-site",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_DATA = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def page_policy(connection: HTTPConnection) -> str:
    """What a page may load (its own files only), who may frame it, and where its forms may lead: the screens."""
    others = " ".join(("'self'", *screens(connection).values()))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        f" base-uri 'none'; form-action {others}; frame-ancestors {others}"
    )


def protected(connection: HTTPConnection, send: Send) -> Send:
    """``send`` that adds the headers where the answer has none of its own."""
    secure = connection.scope.get("scheme") == "https"

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _ALWAYS.items():
                headers.setdefault(name, value)
            html = headers.get("content-type", "").startswith("text/html")
            headers.setdefault("Content-Security-Policy", page_policy(connection) if html else _DATA)
            headers.setdefault("Cache-Control", "no-store" if html else "private, no-cache")
            if not html:
                headers.setdefault("X-Frame-Options", "DENY")
            if secure:
                headers.setdefault("Strict-Transport-Security", HSTS)
        await send(message)

    return add
