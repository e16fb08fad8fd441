"""The style sheet and the script of the pages, read once."""

import functools
from pathlib import Path

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...contracts.api.identity import Permission
from ..auth.access import require

FOLDER = Path(__file__).parent / "assets"
_TYPES = {"style.css": "text/css; charset=utf-8", "pages.js": "text/javascript; charset=utf-8"}

router = APIRouter(dependencies=[Depends(require(Permission.PUBLIC))])


@router.get("/assets/{name}")
async def asset(name: str) -> Response:
    """One of the files of the pages."""
    if name not in _TYPES:
        raise HTTPException(404)
    return Response(_content(name), media_type=_TYPES[name], headers={"Cache-Control": "public, max-age=300"})


@functools.cache
def _content(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
