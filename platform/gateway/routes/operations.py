"""Health of the services, for people."""

from starlette.requests import Request

from ...contracts.api.identity import Permission
from ...contracts.api.operations import Health
from ...ops.health import examine
from ..context import Here
from ..routing import Routes
from ..screens import screens
from ..telemetry import everything

router = Routes(tags=["operations"])


@router.read("/health", Permission.READ, "health")
async def health(request: Request, here: Here) -> Health:
    """What works and what does not, and where the screens are; `/readyz` is for probes."""
    found = await examine(everything(here), here.clock)
    return found.model_copy(update={"screens": screens(request)})
