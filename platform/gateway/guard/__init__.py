"""What every request passes before a route sees it: where it comes from, whom it names, how big and how often."""

from .middleware import install

__all__ = ["install"]
