"""Promotions in this process: a notebook anywhere on this machine, executed as this user."""

import asyncio

from ..bootstrap import ensure_servers
from ..ops.clock import WallClock
from ..ops.settings import Settings, load_settings
from ..promotion.deploy import DeployRequest
from ..promotion.promote import PromoteRequest, PromotionDeps
from ..promotion.promote import promote as promote_notebook
from .backend import Progress, Wish
from .node import read_node, sample_market


async def promote(settings: Settings, wish: Wish, author: str, progress: Progress) -> str:
    """Promote a notebook file; the name of its deployment. Raises as :func:`millstream.promotion.promote.promote`."""
    deps = await promotion_deps(settings)
    down = read_node(settings) is None
    if down:  # before the first `up` too, the market that it plays is there to deploy to
        await asyncio.to_thread(sample_market, deps.endpoints.database_url)
    made = await promote_notebook(_request(wish, author), deps, progress)
    if down:
        progress("warning", "the platform is not running: `millstream up` starts it, and this with it")
    return made.deployment_id


async def promotion_deps(settings: Settings | None = None) -> PromotionDeps:
    """What a promotion works with; servers are started when none runs."""
    settings = settings or load_settings()
    return PromotionDeps(settings, await asyncio.to_thread(ensure_servers, settings), WallClock())


def _request(wish: Wish, author: str) -> PromoteRequest:
    deploy = DeployRequest(
        target=wish.target,
        session=wish.session or None,
        capital=wish.capital,
        limits=dict(wish.limits),
        deployment_id=wish.name,
        author=author,
    )
    return PromoteRequest(notebook=wish.notebook, deploy=deploy, assignments=wish.assignments)
