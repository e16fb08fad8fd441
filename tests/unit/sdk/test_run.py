import pytest

from millstream.contracts.errors import ConfigurationError, InputError
from millstream.sdk import Strategy, run
from millstream.sdk.runtime import current_runtime, use_runtime


class Flat(Strategy):
    def target(self, bars):
        return bars.close * 0


class Recorder:
    def __init__(self):
        self.calls = []

    async def trade(self, strategy, symbols, timeframe):
        self.calls.append((strategy, symbols, timeframe))
        return "done"


async def test_run_hands_the_strategy_to_the_runtime_of_the_context():
    strategy, recorder = Flat(), Recorder()
    with use_runtime(recorder):
        assert await run(strategy, "AAPL", "1d") == "done"
        assert await run(strategy, ["AAPL", "IBM"], "1h") == "done"
    assert recorder.calls == [(strategy, ("AAPL",), "1d"), (strategy, ("AAPL", "IBM"), "1h")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Flat, "AAPL", "1d"), "as strategy"),
        (("Flat", "AAPL", "1d"), "as strategy"),
        ((Flat(), [], "1d"), "not a symbol"),
        ((Flat(), "AAPL", "daily"), "not a timeframe"),
    ],
)
async def test_unusable_argument_is_refused_before_the_runtime_sees_it(arguments, message):
    recorder = Recorder()
    with use_runtime(recorder), pytest.raises(InputError, match=message):
        await run(*arguments)
    assert recorder.calls == []


def test_runtime_outside_a_runner_is_preflight(monkeypatch):
    monkeypatch.delenv("MILLSTREAM_RUNTIME", raising=False)
    assert type(current_runtime()).__name__ == "PreflightRuntime"


def test_runtime_of_a_promotion_backtests(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_RUNTIME", "backtest")
    assert type(current_runtime()).__name__ == "BacktestRuntime"


def test_unknown_runtime_is_answered_with_the_near_match(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_RUNTIME", "backtset")
    with pytest.raises(ConfigurationError) as error:
        current_runtime()
    assert "Did you mean 'backtest'?" in error.value.hint
