"""The description of the API as one page: nothing is loaded from anywhere and nothing runs on it."""

import json
from html import escape
from typing import Any

# The page's own style is the one thing it may use.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem }
code, pre { font: 13px/1.45 ui-monospace, monospace } pre { overflow-x: auto; padding: .6rem; border: 1px solid #8884 }
details { border-bottom: 1px solid #8884; padding: .35rem 0 } summary { cursor: pointer }
b.method { display: inline-block; min-width: 4.5rem } small { opacity: .75 }
table { border-collapse: collapse } td, th { text-align: left; padding: .15rem .8rem .15rem 0; vertical-align: top }
"""


def page(document: dict[str, Any]) -> str:
    """The page of an OpenAPI ``document``."""
    tags: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tags.setdefault((operation.get("tags") or ["other"])[0], []).append(_operation(method, path, operation))
    sections = "".join(f"<h2>{escape(tag)}</h2>{''.join(found)}" for tag, found in tags.items())
    info = document["info"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>"
        f"{''.join(f'<p>{escape(part)}</p>' for part in info['description'].split(chr(10) * 2))}"
        f'<p><a href="openapi.json">openapi.json</a></p>{sections}</main></body></html>'
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    name, permission = operation["operationId"], operation.get("x-permission", "")
    rows = "".join(_parameter(one) for one in operation.get("parameters", ()))
    table = f"<table><tr><th>parameter</th><th>in</th><th></th></tr>{rows}</table>" if rows else ""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    sent = _shown("request", body["example"]) if "example" in body else ""
    answers = ", ".join(operation["responses"])
    return (
        f'<details id="{escape(name)}"><summary><b class="method">{escape(method.upper())}</b>'
        f"<code>{escape(path)}</code> {escape(name)} <small>needs {escape(permission)}</small></summary>"
        f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>"
        f"{table}{sent}{_answered(operation)}<p><small>answers: {escape(answers)}</small></p></details>"
    )


def _parameter(one: dict[str, Any]) -> str:
    needed = " (required)" if one.get("required") else ""
    cells = (f"{one['name']}{needed}", one["in"], one.get("description", ""))
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _answered(operation: dict[str, Any]) -> str:
    for status in ("200", "201", "202"):
        content = operation["responses"].get(status, {}).get("content", {}).get("application/json", {})
        if "example" in content:
            return _shown(f"answer {status}", content["example"])
    return ""


def _shown(title: str, value: Any) -> str:
    return f"<p>{title}</p><pre>{escape(json.dumps(value, indent=2))}</pre>"
