"""``promote`` and ``follow``: the promotion goes on at the gateway, whatever happens to this kernel."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from millstream.contracts.api.base import Operation
from millstream.contracts.api.promotion import Promotion
from millstream.contracts.errors import InputError

from .assignments import literals, pairs, typed
from .session import Session
from .views import Lined, Note


def promote(ms: Session, given: Namespace) -> None:
    """Promote a strategy notebook and show each step."""
    notebook = ms.notebook(given.notebook)
    request: dict[str, Any] = {"notebook": notebook, "target": given.to or "paper"}
    request |= {name: getattr(given, name) for name in ("capital", "session", "name") if getattr(given, name)}
    request["parameters"] = _parameters(ms, notebook, given)
    if given.limits:
        request["limits"] = _limits(Path(given.limits))
    try:
        operation = ms.client.promote(Promotion(**request))
    except KeyboardInterrupt:
        ms.show(Note("interrupted", ": the gateway may have begun all the same; %ms status shows it", "bad"))
        return
    _follow(ms, given, operation)


def follow(ms: Session, given: Namespace) -> None:
    """Wait for a promotion that an interrupt or another cell left running."""
    _follow(ms, given, ms.client.get_operation(given.name))


def _parameters(ms: Session, notebook: str, given: Namespace) -> dict[str, Any]:
    texts = pairs(given.param)
    if not texts and ms.cell is None:
        return {}
    kinds = {one.name: one.kind for one in ms.client.inspect_notebook(notebook).parameters} if texts else {}
    of_cell = literals(ms.cell or "")
    if twice := texts.keys() & of_cell.keys():
        raise InputError(f"{', '.join(sorted(twice))} is given twice", hint="Give it in the line or in the cell.")
    return typed(texts, kinds) | of_cell


def _limits(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as JSON: {error}", hint="See docs/risk.md for the limits.") from error
    if not isinstance(found, dict):
        raise InputError(f"{file} is not a JSON object", hint='For example {"max_order_qty": "500"}.')
    return found


def _follow(ms: Session, given: Namespace, operation: Operation) -> None:
    notes = [Note("promotion ", operation.operation_id)]
    shown = None if given.json else ms.display(Lined(tuple(notes)))

    def progress(step: str) -> None:
        notes.append(Note("· ", step))
        if shown is not None:
            shown.replace(Lined(tuple(notes)))

    try:
        done = ms.client.follow(operation, progress)
    except KeyboardInterrupt:
        rest = f": the promotion goes on at the gateway; %ms follow {operation.operation_id} shows how it ends"
        ms.show(Note("not followed any more", rest))
        return
    result = done.result or {}
    rest = f" = {result.get('release', '?')} on {result.get('target', '?')}; %ms attach shows it live"
    ms.answer(result, Note(str(result.get("deployment", "done")), rest, "good"), as_json=given.json)
