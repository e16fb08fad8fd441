import json

from millstream.runner.outputs import RICH_LIMIT, STREAM_LIMIT, CellOutputs, storable


class Timer:
    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


def test_stream_chunks_of_one_name_are_one_output():
    outputs = CellOutputs(Timer())
    outputs.stream("stdout", "a")
    outputs.stream("stdout", "b")
    outputs.stream("stderr", "c")

    assert [(one.name, one.text) for one in outputs.nodes()] == [("stdout", "ab"), ("stderr", "c")]


def test_long_stream_keeps_its_end_and_says_what_is_missing():
    outputs = CellOutputs(Timer())
    for number in range(100_000):
        outputs.stream("stdout", f"{number}\n")

    note, tail = outputs.nodes()
    assert len(tail.text) == STREAM_LIMIT
    assert tail.text.endswith("99999\n")
    assert "earlier characters of stdout are in the log file" in note.text


def test_many_displays_keep_the_newest():
    outputs = CellOutputs(Timer())
    for number in range(RICH_LIMIT + 5):
        outputs.display({"text/plain": str(number)})

    note, *kept = outputs.nodes()
    assert len(kept) == RICH_LIMIT
    assert kept[-1].data["text/plain"] == str(RICH_LIMIT + 4)
    assert "5 earlier displays" in note.text


def test_display_updates_come_at_most_twice_a_second_and_the_last_one_always():
    timer = Timer()
    outputs = CellOutputs(timer)
    outputs.display({"text/plain": "0"}, display_id="d")
    seen = []
    for number in range(1, 21):
        timer.now += 100_000_000
        outputs.update({"text/plain": str(number)}, None, "d")
        seen.append(outputs.nodes()[0].data["text/plain"])
    outputs.flush()

    assert len(set(seen)) == 4
    assert outputs.nodes()[0].data["text/plain"] == "20"


def test_update_of_an_unknown_display_changes_nothing():
    outputs = CellOutputs(Timer())

    assert not outputs.update({"text/plain": "1"}, None, "other")
    assert outputs.nodes() == []


def test_clear_waits_for_the_next_output_when_asked_to():
    outputs = CellOutputs(Timer())
    outputs.stream("stdout", "old")
    outputs.clear(wait=True)
    before = [one.text for one in outputs.nodes()]
    outputs.stream("stdout", "new")

    assert before == ["old"]
    assert [one.text for one in outputs.nodes()] == ["new"]


def test_value_that_is_no_json_becomes_a_text_and_widget_views_are_left_out():
    data = storable({"application/json": {"x": object()}, "image/png": b"\x00", "text/plain": "x"} | WIDGET)

    assert "could not be stored" in data["application/json"]
    assert data["image/png"] == "AA=="
    assert set(data) == {"application/json", "image/png", "text/plain"}
    json.dumps(data)


WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "m"}}
