import pytest

from millstream_dashboards.i18n import Translator
from millstream_dashboards.monitor.formats import Formats
from millstream_dashboards.monitor.tables import ROLLOVER, Column, LiveTable

# Bokeh 3.9 with pandas 3.1
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index")
COLUMNS = (Column("time", "col.time", "time"), Column("price", "col.price", "number"))


@pytest.fixture
def live() -> LiveTable:
    return LiveTable(Translator("en"), Formats("en", "UTC"), COLUMNS, ("Nothing", "Do something", ""))


def rows(*prices: str) -> list[dict[str, str]]:
    return [{"id": str(number), "time": "t", "price": price} for number, price in enumerate(prices)]


def test_an_empty_table_says_what_to_do(live):
    live.show([])
    assert "Do something" in live.view[0].object


def test_new_rows_replace_the_empty_state(live):
    live.show(rows("1", "2"))
    assert live.view[0] is live.table
    assert list(live.table.value["price"]) == ["1", "2"]


def test_changed_cells_are_patched_without_a_new_table(live):
    live.show(rows("1", "2"))
    before = live.table.value
    live.show(rows("1", "3"))
    assert live.table.value is before
    assert list(live.table.value["price"]) == ["1", "3"]


def test_rows_that_are_gone_leave_the_table(live):
    live.show(rows("1", "2"))
    live.show(rows("1"))
    assert list(live.table.value["price"]) == ["1"]
    live.show([])
    assert live.view[0] is not live.table


def test_a_table_never_grows_beyond_its_rollover(live):
    live.show(rows(*map(str, range(ROLLOVER + 50))))
    assert len(live.table.value) == ROLLOVER


def test_numbers_sort_by_their_value_in_the_viewers_writing():
    german = LiveTable._configuration(Formats("de", "UTC"), COLUMNS)
    price = next(column for column in german["columns"] if column["field"] == "price")
    assert price["sorter"] == "number"
    assert (price["sorterParams"]["thousandSeparator"], price["sorterParams"]["decimalSeparator"]) == (".", ",")
