"""Live events: server-sent events, and the ticket with which a browser opens the WebSocket."""

from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Header, Query, Request
from fastapi.responses import StreamingResponse

from ...contracts.api.identity import Permission
from ...contracts.api.live import Live
from ..auth.access import Asking
from ..context import Here
from ..live.hub import Hub, RefusedError
from ..live.protocol import MAX_VALUES, Filter
from ..live.streams import EventStream, parse_position
from ..live.tickets import SECONDS, Tickets
from ..live.topics import LiveTopic
from ..problems import ProblemError, unavailable
from ..routing import Routes
from ..screens import own_address

router = Routes(tags=["live events"])
Values = Annotated[list[str] | None, Query(max_length=MAX_VALUES)]


@router.read("/live", Permission.READ, "live")
async def live(request: Request, here: Here, asking: Asking) -> Live:
    """Where to connect for live events, with a ticket that opens one connection within 30 seconds."""
    hub = _hub(request)
    own = urlsplit(own_address(request))
    scheme = "wss" if own.scheme == "https" else "ws"
    host = own.hostname or here.settings.bind
    name = f"[{host}]" if ":" in host else host
    ticket = await Tickets(here.redis, here.settings.namespace).issue(asking)
    return Live(url=f"{scheme}://{name}:{hub.port}/live", ticket=ticket, expires_in=SECONDS)


@router.read(
    "/events",
    Permission.READ,
    "events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(
    request: Request,
    asking: Asking,
    topics: Annotated[str, Query(description="comma-separated", examples=["orders,fills"])],
    portfolio: Values = None,
    deployment: Values = None,
    instrument: Values = None,
    session: Values = None,
    last_event_id: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """Snapshots, then events as they happen; a comment every 15 s. ``Last-Event-ID`` resumes a lost connection."""
    wanted = Filter(
        portfolio=frozenset(portfolio or ()),
        deployment=frozenset(deployment or ()),
        instrument=frozenset(instrument or ()),
        session=frozenset(session or ()),
    )
    names = _topics(topics)
    try:
        stream = EventStream(_hub(request), asking)
    except RefusedError as error:
        raise ProblemError(
            429, "RATE_LIMITED", "Too many live connections", str(error), error.hint, headers={"Retry-After": "15"}
        ) from error
    stream.follow(names, wanted, parse_position(last_event_id))
    return StreamingResponse(
        stream.texts(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def _topics(text: str) -> list[LiveTopic]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = {topic.value for topic in LiveTopic}
    unknown = sorted(set(names) - known)
    if unknown or not names:
        raise ProblemError(
            422,
            "INVALID_INPUT",
            "There is no such topic",
            f"Not a topic: {', '.join(unknown) or 'an empty list'}.",
            f"Topics are {', '.join(sorted(known))}.",
        )
    return [LiveTopic(name) for name in dict.fromkeys(names)]


def _hub(request: Request) -> Hub:
    hub = getattr(request.app.state, "hub", None)
    if hub is None:
        raise unavailable("The live events are not running in this process.", "Start `python -m millstream.gateway`.")
    return cast("Hub", hub)
