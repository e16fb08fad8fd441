"""Executed notebooks for reading in a browser: their outputs are a strategy's, so nothing in them may run or load."""

from pathlib import Path

from ...contracts.errors import InputError

# Nothing runs, nothing loads, nothing is sent; the frame is of no origin, so it sees no cookie either.
CONTENT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"
)
MOST_BYTES = 30 * 1024 * 1024
_NEVER = ("application/javascript", "application/vnd.jupyter.widget-view+json", "text/latex")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1b1f24 }
pre { background: #f4f5f7; border-radius: 4px; overflow-x: auto; padding: .6rem .8rem; font-size: 13px }
table { border-collapse: collapse; font-size: 13px } td, th { border-bottom: 1px solid #d8dbe0; padding: .2rem .6rem }
img { max-width: 100% } .jp-OutputArea-prompt, .jp-InputPrompt { color: #6b7280; font-size: 12px }
@media (prefers-color-scheme: dark) { body { background: #14171a; color: #e4e7ea } pre { background: #1f2428 }
td, th { border-color: #343a40 } }
"""


def as_html(notebook: Path) -> str:
    """A page of its own, sanitised; blocks. Raises :class:`InputError` for a notebook too big to be shown so."""
    if notebook.stat().st_size > MOST_BYTES:
        raise InputError("the notebook is too big for a page", hint="Take it as ipynb.")
    import nbformat
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(template_name="basic", sanitize_html=True)  # type: ignore[no-untyped-call]
    content = nbformat.reads(notebook.read_text(encoding="utf-8"), as_version=4)
    for cell in content.cells:
        for output in cell.get("outputs", ()):
            for kind in _NEVER:
                output.get("data", {}).pop(kind, None)
    body, _ = exporter.from_notebook_node(content)
    title = notebook.parent.name
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )
