"""Execute a program that the kernel kills when its parent ends: ``python die_with_parent.py PARENT PROGRAM [ARG ...]``.

A program of its own instead of a ``preexec_fn``, which may deadlock in a process with threads. Linux ties the signal to
the parent's *thread*: start the child from a thread that lives as long as the child shall. Elsewhere than on Linux
the program runs without this protection.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, argv: list[str]) -> None:
    """Become ``argv``, to be killed with the process ``parent``."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent ended first")
    os.execv(argv[0], argv)  # noqa: S606 - becoming that program is what this one is for


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
