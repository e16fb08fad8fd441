from pathlib import Path

from millstream.promotion.logs import PART_BYTES, last_part, next_part, tail
from millstream.runner.logfile import LogFile


def test_log_is_rotated_by_size_and_read_across_files(tmp_path):
    path = tmp_path / "runner.log"
    log = LogFile(path, max_bytes=40, keep=3)
    for number in range(30):
        log.write(f"line {number:02}\n")
    log.close()

    assert sorted(one.name for one in tmp_path.iterdir()) == [f"runner.log{end}" for end in ("", ".1", ".2", ".3")]
    assert all(one.stat().st_size <= 40 for one in tmp_path.iterdir())
    assert tail(path, 7) == [f"line {number}" for number in range(23, 30)]


def test_parts_go_on_from_each_other_through_rotations_without_a_hole(tmp_path: Path):
    path = tmp_path / "runner.log"
    log = LogFile(path, max_bytes=60, keep=9)
    log.write("one\ntwo\n")
    text, place = last_part(path, 1)
    parts = [text]
    for number in range(20):
        log.write(f"line {number:02}\n")
        if number % 4 == 3:
            while (found := next_part(path, place, 5))[0]:
                parts.append(found[0])
                place = found[1]
    log.close()

    assert "".join(parts).split() == ["two", *[word for number in range(20) for word in ("line", f"{number:02}")]]
    assert 0 < place < 2**53


def test_part_of_an_unfinished_line_comes_with_its_end(tmp_path: Path):
    path = tmp_path / "runner.log"
    path.write_bytes(b"whole\nhal")
    _, place = last_part(path, 0)
    assert next_part(path, place, 5) == ("", place)
    with path.open("ab") as file:
        file.write(b"f\n")
    assert next_part(path, place, 5)[0] == "half\n"


def test_place_in_a_file_that_is_gone_begins_again_with_the_last_lines(tmp_path: Path):
    path = tmp_path / "runner.log"
    path.write_text("a\nb\nc\n")
    assert next_part(path, 12345 << 28, 2)[0] == "b\nc\n"
    assert last_part(tmp_path / "none.log", 5) == ("", 0)


def test_line_longer_than_a_part_is_given_in_pieces(tmp_path: Path):
    path = tmp_path / "runner.log"
    path.write_bytes(b"x\n")
    _, place = last_part(path, 1)
    with path.open("ab") as file:
        file.write(b"y" * (PART_BYTES + 10) + b"\n")
    first, place = next_part(path, place, 5)
    rest, _ = next_part(path, place, 5)
    assert (len(first), rest) == (PART_BYTES, "y" * 10 + "\n")
