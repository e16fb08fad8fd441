"""Named places where a test may kill the trading service, to prove that a restart loses and repeats nothing.

They do nothing unless ``MILLSTREAM_FAILPOINT=name[:nth]`` was set when the process was wired.
"""

import os
import signal

from ..contracts.errors import ConfigurationError

NAMES = (
    "before_journal",
    "before_offset",
    "after_offset",
    "after_journal",
    "before_send",
    "after_send",
    "before_ack",
    "after_ack",
    "before_commit",
    "after_commit",
    "before_publish",
    "after_publish",
)


class Failpoints:
    """Kills this process with SIGKILL at the ``nth`` pass of one named place; an empty ``spec`` disables it.

    Raises :class:`ConfigurationError` for a name that does not exist or a count that is not a positive number.
    """

    def __init__(self, spec: str = "") -> None:
        name, _, count = spec.partition(":")
        if name and (name not in NAMES or not (count or "1").isdigit() or count == "0"):
            raise ConfigurationError(
                f"{spec!r} is not a failpoint", hint=f"Write name or name:nth; the names are {', '.join(NAMES)}."
            )
        self._name = name
        self._left = int(count or 1)

    def hit(self, name: str) -> None:
        """Die here, if this is the armed place and it was passed often enough."""
        if name != self._name:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
