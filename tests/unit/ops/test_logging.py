"""What a process writes to its log."""

import io
import json
import logging

import pytest
import structlog

from millstream.ops.logging import configure_logging


@pytest.fixture
def written():
    """The stream of a configured log; the configuration of before stands again afterwards."""
    root, config = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging("test", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**config)
    structlog.contextvars.clear_contextvars()


def log_in(password):
    raise ValueError(f"a password of {len(password)} characters is too short")


def test_traceback_names_frames_and_error_but_no_local_variable(written):
    try:
        log_in("canary")
    except ValueError as error:
        structlog.get_logger().error("login.failed", exc_info=error)
        logging.getLogger("library").exception("failed")
    assert "canary" not in written.getvalue()
    for line in map(json.loads, written.getvalue().splitlines()):
        (found,) = line["exception"]
        assert (found["exc_type"], line["service"]) == ("ValueError", "test")
        assert found["frames"][-1]["name"] == "log_in"
