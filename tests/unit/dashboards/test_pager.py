import pytest

from millstream.contracts.api.base import Page
from millstream_dashboards.i18n import Translator
from millstream_dashboards.monitor.pager import Pager, parts

TEN = list(range(10))


class Book:
    """A list of the gateway: the newest first, cursors that name the last one given."""

    def __init__(self) -> None:
        self.items = list(reversed(TEN))
        self.asked: list[dict[str, object]] = []

    async def ask(self, *, limit, cursor="", **filters):
        self.asked.append({"cursor": cursor, **filters})
        rest = [one for one in self.items if not cursor or one < int(cursor)]
        return Page(items=tuple(rest[:limit]), next=str(rest[limit - 1]) if len(rest) > limit else "")


@pytest.fixture
def book() -> Book:
    return Book()


def pager(again=None) -> Pager:
    async def nothing() -> None:
        """No page to load."""

    return Pager(Translator("en"), again or nothing, size=4)


async def test_older_and_newer_walk_through_the_list_and_stop_at_its_ends(book):
    made = pager()
    seen = [await made.read(book.ask)]
    for _ in range(3):
        await made._go_on(None)
        seen.append(await made.read(book.ask))
    assert seen == [[9, 8, 7, 6], [5, 4, 3, 2], [1, 0], [1, 0]]
    assert (made._on.disabled, made._back.disabled, made.number) == (True, False, 3)
    await made._go_back(None)
    assert await made.read(book.ask) == [5, 4, 3, 2]


async def test_rows_that_come_in_shift_no_older_part(book):
    made = pager()
    await made.read(book.ask)
    await made._go_on(None)
    book.items = [11, 10, *book.items]
    assert await made.read(book.ask) == [5, 4, 3, 2]


async def test_another_selection_begins_at_the_first_part(book):
    made = pager()
    await made.read(book.ask, strategy=["a"])
    await made._go_on(None)
    await made.read(book.ask, strategy=["a"])
    assert await made.read(book.ask, strategy=["b"]) == [9, 8, 7, 6]
    assert book.asked[-1] == {"cursor": "", "strategy": ["b"]}


async def test_a_part_that_is_gone_leads_back_to_the_first(book):
    made = pager()
    await made.read(book.ask)
    await made._go_on(None)
    book.items = [9, 8]
    assert await made.read(book.ask) == [9, 8]
    assert made.number == 1


async def test_the_buttons_are_there_only_for_more_than_one_part_and_load_the_page(book):
    loads = []

    async def again() -> None:
        loads.append(await made.read(book.ask))

    made = pager(again)
    book.items = [3, 2, 1, 0]
    await made.read(book.ask)
    assert not made.view.visible
    book.items = [4, 3, 2, 1, 0]
    await made.read(book.ask)
    assert made.view.visible
    await made._go_on(None)
    assert loads == [[0]]


async def test_a_viewer_who_moves_on_during_a_read_gets_the_part_where_they_are(book):
    made = pager()
    await made.read(book.ask)

    async def slow(**asked):
        answer = await book.ask(**asked)
        if not made._before:
            await made._go_on(None)
        return answer

    assert await made.read(slow) == [5, 4, 3, 2]
    assert made._next == "2"


async def test_a_list_that_is_here_in_whole_has_parts_too():
    made = pager()
    assert await made.read(parts(TEN)) == [0, 1, 2, 3]
    await made._go_on(None)
    await made._go_on(None)
    assert (await made.read(parts(TEN)), made.number) == ([4, 5, 6, 7], 2), "a second press before the read counted"
    await made._go_on(None)
    assert await made.read(parts(TEN)) == [8, 9]
