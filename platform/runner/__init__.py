"""The processes that execute promoted notebooks, and their supervisor."""

from ..ops.lean_imports import without_iri_grammar

without_iri_grammar()
