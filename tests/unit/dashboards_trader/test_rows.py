"""Rows come and go all day: what is gone must be gone."""

from ipywidgets.widgets.widget import _instances as widgets

from millstream_dashboards.trader.rows import Action, Cell, Row, Rows


def row(name: str) -> Row:
    actions = (Action("Stop", f"Stop: {name}", lambda: None), Action("Flatten", f"Flatten: {name}", lambda: None))
    return Row(name, (Cell("name", name),), actions)


def test_rows_that_are_gone_leave_no_widget_behind():
    rows = Rows("nothing", "things")
    rows.show([row("first")])
    rows.show([])
    before = len(widgets)
    for number in range(20):
        rows.show([row(f"{number}"), row(f"another {number}")])
    rows.show([])
    assert len(widgets) == before


def test_a_row_that_stays_keeps_its_widgets():
    rows = Rows("nothing", "things")
    rows.show([row("stays"), row("goes")])
    [kept, _] = rows.view.children
    rows.show([row("comes"), row("stays")])
    assert rows.view.children[1] is kept
