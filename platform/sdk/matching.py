"""What the reader probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def near(name: str, names: Iterable[str]) -> str:
    """``"Did you mean 'fast'? "`` when one of ``names`` is close to ``name``, else an empty text."""
    folded = {candidate.casefold(): candidate for candidate in names}
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f"Did you mean {folded[found[0]]!r}? " if found else ""
