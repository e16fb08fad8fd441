"""Imports that cost seconds and that nothing here uses."""

import sys


def without_iri_grammar() -> None:
    """Spare this process the grammar of international addresses.

    ``nbformat``, and so ``vectorbt`` by way of plotly, imports ``jsonschema``, which builds that grammar while it is
    imported (two seconds of a core in every process that touches a notebook); so do Jupyter's servers for their events.
    It is optional there and serves the string formats "iri" and "iri-reference", which neither has; notebooks are
    checked by ``fastjsonschema``. Call it before anything imports one of them.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
