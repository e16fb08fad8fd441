"""Small pieces of HTML, escaped: cards with a figure, badges, simple tables, empty states."""

from collections.abc import Iterable, Sequence
from html import escape

TONES = ("good", "bad", "warn", "")


def tone_of(value: object) -> str:
    """``good`` above zero, ``bad`` below; the sign of the number says the same without colour."""
    if value is None or value == 0:
        return ""
    return "good" if value > 0 else "bad"  # type: ignore[operator]


def figure(label: str, value: str, note: str = "", tone: str = "") -> str:
    """A card with one figure."""
    below = f'<div class="note">{escape(note)}</div>' if note else ""
    return (
        f'<div class="figure"><div class="label">{escape(label)}</div>'
        f'<div class="value {tone}">{escape(value)}</div>{below}</div>'
    )


def figures(cards: Iterable[str]) -> str:
    """Cards beside each other, as many as fit."""
    return f'<div class="figures">{"".join(cards)}</div>'


def badge(text: str, tone: str = "") -> str:
    """A word in a frame."""
    return f'<span class="badge {tone}">{escape(text)}</span>'


def heading(text: str, extra: str = "", level: int = 2) -> str:
    """A heading; ``extra`` is HTML behind it."""
    return f'<h{level} class="heading">{escape(text)}{extra}</h{level}>'


def empty(title: str, action: str, href: str = "") -> str:
    """An empty state: that there is nothing, and what to do next."""
    what = f'<a href="{escape(href, quote=True)}">{escape(action)}</a>' if href else escape(action)
    return f'<div class="empty"><b>{escape(title)}</b><p>{what}</p></div>'


def bar(use: float | None, label: str) -> str:
    """How much of something is used; the label says it in words."""
    share = min(max(use or 0.0, 0.0), 1.0)
    tone = "bad" if share >= 0.9 else "warn" if share >= 0.7 else "good"
    return (
        f'<div class="bar" role="img" aria-label="{escape(label, quote=True)}">'
        f'<span class="{tone}" style="width:{share:.1%}"></span></div>'
    )


def table(caption: str, titles: Sequence[str], rows: Iterable[Sequence[str]], numeric: Iterable[int] = ()) -> str:
    """A plain table; the cells are HTML already, titles and caption are texts. ``numeric`` columns stand right."""
    right = set(numeric)

    def cells(tag: str, values: Sequence[str], scope: str = "") -> str:
        return "".join(
            f"<{tag}{scope}{' class=num' if index in right else ''}>{value}</{tag}>"
            for index, value in enumerate(values)
        )

    head = cells("th", [escape(title) for title in titles], ' scope="col"')
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption, quote=True)}">'
        f'<table class="plain"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def signed(text: str, value: object) -> str:
    """A number whose sign is coloured."""
    return f'<span class="{tone_of(value)}">{escape(text)}</span>'
