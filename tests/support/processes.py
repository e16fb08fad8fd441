"""Running code in other processes, and as other users."""

import os
import subprocess
import sys
import traceback
from collections.abc import Callable


def python(code: str, *arguments: str, **options: object) -> subprocess.Popen[str]:
    """A new Python process that runs ``code`` with ``arguments`` in ``sys.argv[1:]`` and prints its result."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def output(process: subprocess.Popen[str]) -> str:
    """What ``process`` printed; fails with its errors when it did not succeed."""
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    return stdout.strip()


def call_as(uid: int, gid: int, function: Callable[[], str]) -> str:
    """The result of ``function`` in a forked child that has become ``uid``.

    A fork, because the interpreter itself may lie where that user cannot read it. Fails with the child's traceback.
    """
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            os.write(sender, function().encode())
            status = 0
        except BaseException:  # noqa: BLE001 - the child must neither return into pytest nor lose its error
            os.write(sender, traceback.format_exc().encode())
        finally:
            os._exit(status)
    os.close(sender)
    with os.fdopen(receiver) as pipe:
        result = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, result
    return result
