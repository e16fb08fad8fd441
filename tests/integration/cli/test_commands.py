"""What each command answers: pure JSON, documented exit codes, and errors that say what to do."""

import os

import pytest

from millstream.contracts.api.identity import NewUser, Role
from millstream.contracts.time import to_datetime
from millstream.gateway.auth import people
from millstream.store.database import connect_sync

CSV = """timestamp,open,high,low,close,volume
2020-01-01T00:00,1,2,0.5,1,10
2020-01-01T00:05,1,2,0.5,1,10
2020-01-01T00:05,1,2,0.5,1,10
2020-01-01T00:20,1,0.2,0.5,1,10
2020-01-01T00:25,1,2,0.5,1,10
"""
NOTEBOOK = "strategies/sma_cross.ipynb"


@pytest.fixture
def candles(tmp_path):
    file = tmp_path / "candles.csv"
    file.write_text(CSV)
    return str(file)


def test_data_import_reports_bad_rows_duplicates_and_gaps(millstream, candles):
    words = ("data", "import", candles, "-i", "X:A", "-t", "5m")
    report = millstream(*words, "--json").json
    assert (report["rows"], report["new"]) == (5, 3)
    assert report["bad_rows"][0]["fault"] == "high_below_low"
    assert report["duplicates"][0]["open_time"] == "2020-01-01T00:05:00Z"
    assert report["gaps"][0]["missing"] == 3
    assert report["first"] == "2020-01-01T00:00:00Z"

    again = millstream(*words)
    assert again.code == 0
    assert "0 new, 3 unchanged" in again.out
    listed = millstream("data", "list", "--json").json
    assert [one["key"] for one in listed["instruments"]] == ["X:A"]
    assert [one["rows"] for one in listed["series"]] == [3]


def test_data_import_of_other_values_is_a_conflict_until_replaced(millstream, candles, tmp_path):
    words = ("data", "import", candles, "-i", "X:A", "-t", "5m")
    assert millstream(*words).code == 0
    (tmp_path / "candles.csv").write_text(CSV.replace("00:25,1,2", "00:25,1.5,2"))
    refused = millstream(*words)
    assert refused.code == 4
    assert "--replace" in refused.err
    assert millstream(*words, "--replace", "--json").json["replaced"] == 1


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("data", "import", "absent.parquet", "-i", "X:A", "-t", "5m"), 3, "absent.parquet is not a file"),
        (("data", "import", "README.md", "-i", "X:A", "-t", "5m"), 2, "what to do"),
        (("data", "import", "pyproject.toml", "-i", "XA", "-t", "5m"), 2, "EXCHANGE:SYMBOL"),
        (("backtest", "strategies/absent.ipynb"), 3, "there is no notebook"),
        (("backtest", "README.md"), 2, "is not a notebook"),
        (("backtest", NOTEBOOK, "-p", "fsat=3"), 2, "Did you mean 'fast'?"),
        (("backtest", NOTEBOOK, "-p", "fast=abc"), 2, "not an integer"),
        (("backtest", NOTEBOOK, "-p", "fast"), 2, "NAME=VALUE"),
        (("backtest", NOTEBOOK, "--capital", "-5"), 2, "above zero"),
        (("backtest", NOTEBOOK, "--start", "yesterday"), 2, "%Y-%m-%d"),
        (("promote", NOTEBOOK, "--to", "live"), 4, "--to paper"),
        (("promote", NOTEBOOK, "--limits", "absent.json"), 2, "absent.json"),
        (("logs", "absent"), 3, "millstream deployments"),
        (("start", "absent"), 3, "millstream deployments"),
        (("stop", "absent"), 3, "millstream deployments"),
        (("orders", "-d", "absent"), 3, "millstream deployments"),
        (("positions", "--portfolio", "absent"), 3, "millstream portfolio"),
        (("fills", "-i", "absent"), 3, "not a registered instrument"),
        (("portfolio", "absent"), 3, "millstream portfolio"),
        (("halt", "--reason", "x"), 2, "--global"),
        (("halt", "--global", "--deployment", "a", "--reason", "x"), 2, "once"),
        (("halt", "--deployment", "absent", "--reason", "x"), 3, "millstream deployments"),
        (("resume", "--global", "--reason", "x"), 3, "not halted"),
        (("lab",), 3, "millstream up"),
        (("up", "--notebooks", "absent"), 2, "is not a directory"),
        (("absent",), 2, "No such command"),
        (("orders", "--limit", "0"), 2, "--limit"),
    ],
)
def test_an_error_has_its_exit_code_and_says_what_to_do(millstream, words, code, says):
    done = millstream(*words)
    assert done.code == code, done.err
    assert says in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    "command", ["orders", "fills", "positions", "rejections", "portfolio", "releases", "deployments"]
)
def test_a_list_that_is_empty_is_json_all_the_same(millstream, command):
    done = millstream(command, "--json")
    assert done.code == 0
    assert done.json == []
    assert ":" in millstream(command).out


def test_halt_and_resume_are_seen_in_risk(millstream):
    halted = millstream("halt", "--global", "--reason", "a test", "--json")
    assert halted.code == 0
    assert halted.json["halt"]["state"] == "halted"
    assert halted.json["sealed"] is True
    [halt] = millstream("risk", "--json").json["halts"]
    assert (halt["scope"], halt["reason"]) == ("global", "a test")
    assert halt["changed_at"].endswith("Z")
    assert "a test" in millstream("risk").out
    assert millstream("resume", "--global", "--reason", "over", "--json").json["state"] == "active"
    assert millstream("risk", "--json").json["halts"] == []


def test_admin_link_is_for_the_first_admin_and_then_for_who_is_named(millstream, monkeypatch):
    away = millstream("admin-link")
    assert (away.code, "millstream up" in away.err) == (3, True)
    monkeypatch.setenv("MILLSTREAM_PUBLIC_URL", "https://desk.example.com")
    first = millstream("admin-link", "--json").json["link"]
    assert first.startswith("https://desk.example.com/setup?token=")
    with connect_sync(os.environ["MILLSTREAM_DATABASE_URL"]) as conn:
        people.add(conn, NewUser(user="boss", role=Role.ADMIN), to_datetime(0), password_hash="x")
    taken = millstream("admin-link")
    assert (taken.code, "--user" in taken.err) == (4, True)
    renewed = millstream("admin-link", "--user", "Boss", "--json").json["link"]
    assert renewed.startswith("https://desk.example.com/setup?token=")
    assert renewed != first
    unknown = millstream("admin-link", "--user", "bos")
    assert (unknown.code, "Did you mean 'boss'?" in unknown.err) == (3, True)


def test_an_unknown_setting_is_named_with_its_near_match(millstream, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_HOM", "x")
    done = millstream("orders")
    assert done.code == 2
    assert "MILLSTREAM_HOME" in done.err


def test_a_database_that_does_not_answer_is_a_passing_fault(millstream, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/x")
    done = millstream("orders", "--json")
    assert done.code == 5
    assert done.out == ""
    assert "MILLSTREAM_DATABASE_URL" in done.err


def test_doctor_finds_this_installation_well(millstream):
    done = millstream("doctor", "--json")
    assert done.code == 0, done.out
    assert {one["check"] for one in done.json} >= {"python", "packages", "servers", "magics", "platform"}
