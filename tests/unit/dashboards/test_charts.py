from datetime import datetime, timedelta

import pytest

from millstream_dashboards.monitor.charts import Bars, Candles, Lines, Marker, Numbers
from millstream_dashboards.monitor.formats import Formats

START = datetime(2026, 1, 1)  # noqa: DTZ001 - the viewer's wall clock
F = Formats("de", "UTC")


def line(*values: float) -> tuple[list[datetime], list[float]]:
    return [START + timedelta(days=day) for day in range(len(values))], list(values)


def bars(*closes: float) -> Bars:
    times, values = line(*closes)
    return Bars(times, values, values, values, values, 86_400_000.0)


def legend(plot) -> list[str]:
    return [item.label.value for item in plot.legend[0].items]


@pytest.fixture
def candles() -> Candles:
    return Candles("X:Y 1d", ("Buy", "Sell"), F, 4, dark=True)


def test_a_chart_of_candles_is_complete_when_it_comes_to_the_page(candles):
    candles.show(bars(1, 2), [Marker(START, 1.0, "bought")], [], {"fast": line(1, 2), "slow": line(2, 3)})
    assert candles.view.object is candles.plot
    assert legend(candles.plot) == ["Buy", "Sell", "fast", "slow"]
    assert list(candles._bars.data["close"]) == [1, 2]
    assert candles._lines["slow"].data["y"] == [2, 3]


def test_new_bars_change_the_chart_that_is_there_and_other_indicators_make_another(candles):
    candles.show(bars(1), [], [], {"fast": line(1)})
    first = candles.plot
    candles.show(bars(1, 2), [], [Marker(START, 2.0, "sold")], {"fast": line(1, 2)})
    assert candles.plot is first
    assert (candles._lines["fast"].data["y"], candles._sold.data["text"]) == ([1, 2], ["sold"])
    candles.show(bars(1, 2), [], [], {"rsi": line(1, 2)})
    assert candles.view.object is candles.plot is not first
    assert legend(candles.plot) == ["Buy", "Sell", "rsi"]


def test_lines_follow_their_names():
    chart = Lines("Equity", F, dark=False)
    chart.show({"Paper": line(1, 2)})
    first = chart.plot
    chart.show({"Paper": line(1, 2, 3)})
    assert chart.plot is first
    assert chart._sources["Paper"].data["y"] == [1, 2, 3]
    chart.show({"Live": line(5)})
    assert legend(chart.view.object) == ["Live"]


def test_axes_and_hovers_speak_the_language_of_the_viewer_with_the_digits_of_the_instrument(candles):
    candles.show(bars(1), [], [], {})
    formatter = candles.plot.yaxis[0].formatter
    assert formatter.args == {"locale": "de-DE", "least": 0, "most": 4, "style": "decimal"}
    hover = next(tool for tool in candles.plot.tools if "@close" in str(getattr(tool, "tooltips", "")))
    assert hover.formatters["@close"].args == {"locale": "de-DE", "least": 4, "most": 4, "style": "decimal"}
    assert Numbers("zh-Hans-CN", percent=True).hover().args["style"] == "percent"
