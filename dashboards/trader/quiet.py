"""Keeps widgets from announcing themselves to a page that has not asked yet which there are.

A page that is loaded asks once for the state of all widgets. What is announced to it between its connection and that
question refers to widgets that it does not know: it refuses them, and they stay dead. So nothing is announced before,
and the answer holds everything.
"""

from typing import Any, ClassVar

import comm
from ipykernel.comm.comm import BaseComm
from ipykernel.kernelbase import Kernel
from IPython.core.interactiveshell import InteractiveShell


class QuietComm(BaseComm):
    """A widget's channel to the page."""

    asked: ClassVar[bool] = False

    def publish_msg(self, *args: Any, **kwargs: Any) -> None:
        """Send a message; nothing before a page asked."""
        if QuietComm.asked:
            super().publish_msg(*args, **kwargs)  # type: ignore[no-untyped-call] # ipykernel's
        elif Kernel.initialized():
            # As the first message would: a widget never sends anything on a channel without a kernel.
            self.kernel = Kernel.instance()


def until_asked(shell: InteractiveShell) -> None:
    """Let the widgets that are made from now on be quiet until the first message of a page comes."""

    def speak() -> None:
        QuietComm.asked = True
        shell.events.unregister("pre_execute", speak)

    comm.create_comm = QuietComm
    # The shell tells so before each message of a page, too.
    shell.events.register("pre_execute", speak)
