"""From a notebook to a registered, deployed release."""

from ..ops.lean_imports import without_iri_grammar

without_iri_grammar()
