"""The peak of a summed equity curve, followed point by point. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import Self

import msgspec

from ...contracts.money import ZERO
from .curves import Point


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """The peak of the sum of several curves, as far as they were read: that of :func:`~.curves.total`.

    ``value`` is the sum, and ``peak`` the highest sum, before the buckets of ``changes``. Those are what the sum moved
    by in each bucket that can still change: one portfolio may be behind another in market time. ``standing`` is the
    last equity of each portfolio, ``newest`` its last point (none before its first).
    """

    value: Decimal
    peak: Decimal
    standing: Mapping[str, Decimal]
    newest: Mapping[str, Point] = {}
    changes: Mapping[datetime, Decimal] = {}

    @classmethod
    def of(cls, initial: Mapping[str, Decimal]) -> Self:
        """Before the first point: the initial equity is a peak too."""
        begin = sum(initial.values(), ZERO)
        return cls(value=begin, peak=begin, standing=initial)

    def followed(self, points: Mapping[str, Sequence[Point]]) -> Self:
        """With more ``points``: of each portfolio ascending from its newest bucket on, which may come again."""
        standing, newest, changes = dict(self.standing), dict(self.newest), dict(self.changes)
        for name, found in points.items():
            for point in found:
                changes[point.bucket] = changes.get(point.bucket, ZERO) + point.value - standing[name]
                standing[name], newest[name] = point.value, point
        past: list[datetime] = []
        if len(newest) == len(standing):
            # Nothing comes any more before the bucket in which the last of the portfolios stands.
            sure = min(point.bucket for point in newest.values())
            past = sorted(bucket for bucket in changes if bucket < sure)
        sums = list(accumulate((changes.pop(bucket) for bucket in past), initial=self.value))
        peak = max(self.peak, *sums)
        return type(self)(value=sums[-1], peak=peak, standing=standing, newest=newest, changes=changes)

    @property
    def highest(self) -> Decimal:
        """The peak, with the buckets that can still change."""
        return max(self.peak, *accumulate((self.changes[one] for one in sorted(self.changes)), initial=self.value))
