import pytest

from millstream.contracts.errors import InputError
from millstream.sdk import Strategy
from millstream.sdk.strategy import Kind


class Cross(Strategy):
    fast: int = 20
    slow: int = 50

    def validate(self):
        if self.fast >= self.slow:
            raise ValueError("fast must be less than slow")

    def target(self, bars):
        return bars.close


class Events(Strategy):
    def on_bar(self, context, bar):
        pass


def test_kind_follows_from_what_is_overridden():
    assert Cross().kind is Kind.VECTORISED
    assert Events().kind is Kind.EVENTS


def test_strategy_that_overrides_nothing_says_what_to_write():
    class Nothing(Strategy):
        pass

    with pytest.raises(InputError, match="never decides") as error:
        Nothing()
    assert "target" in error.value.hint


def test_strategy_that_overrides_both_says_which_to_keep():
    class Both(Cross):
        def on_quote(self, context, quote):
            pass

    with pytest.raises(InputError, match="both target and on_quote"):
        Both()


def test_parameters_that_do_not_fit_together_are_refused():
    with pytest.raises(InputError, match="fast must be less than slow"):
        Cross(fast=60)


def test_replace_checks_like_the_constructor_and_leaves_the_original():
    strategy = Cross()
    assert strategy.replace(fast=10).fast == 10
    assert strategy.fast == 20
    with pytest.raises(InputError, match="flast"):
        strategy.replace(flast=1)


def test_parameter_cannot_be_assigned_but_own_state_can():
    strategy = Cross()
    strategy.seen = 1
    with pytest.raises(InputError, match="cannot be changed"):
        strategy.fast = 5


def test_warmup_is_the_largest_integer_parameter_with_a_margin():
    assert Cross().warmup_bars == 60
    assert Events().warmup_bars == 10


def test_warmup_of_the_class_wins():
    class Own(Cross):
        warmup = 7

    class Computed(Cross):
        @property
        def warmup(self):
            return 3 * self.slow

    assert Own().warmup_bars == 7
    assert Computed().warmup_bars == 150


def test_repr_shows_the_parameters():
    assert repr(Cross(fast=5)) == "Cross(fast=5, slow=50, rebalance='on_change')"
