"""Become another user and execute a program: ``python drop_root.py UID GID CAPABILITIES PROGRAM [ARGUMENT ...]``.

Runs as a program of its own, with nothing but the standard library, because the changes below must not happen in a
process that has threads. CAPABILITIES is empty or a comma-separated list of Linux capability numbers; the first one
that root holds here is kept, as an ambient capability, and no other.
"""

import ctypes
import os
import sys

PR_SET_KEEPCAPS, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 28, 38, 47, 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def main(uid: int, gid: int, capabilities: list[int], argv: list[str]) -> None:
    """Drop to ``uid`` and ``gid``, keep the first of ``capabilities`` that root holds, and become ``argv``."""
    libc = ctypes.CDLL(None, use_errno=True)
    kept = _first_permitted(libc, capabilities) if capabilities else None
    if kept is not None:
        _check(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl(PR_SET_KEEPCAPS)")
        # access(2) ignores capabilities otherwise, and PostgreSQL asks it about its own programs. Without
        # CAP_SETPCAP this fails, and those programs must lie where everybody can enter; initdb says so.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if kept is not None:
        _keep_only(libc, kept)
    if sys.platform == "linux":
        _check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")
    os.execv(argv[0], argv)  # noqa: S606 - becoming that program is what this one is for


def _first_permitted(libc: ctypes.CDLL, capabilities: list[int]) -> int:
    if sys.platform != "linux":
        sys.exit("the server's account cannot enter its directories, and this system has no capabilities")
    header, data = _Header(CAPABILITY_VERSION_3, 0), (_Data * 2)()
    _check(libc.capget(ctypes.byref(header), data), "capget")
    for number in capabilities:
        if data[0].permitted >> number & 1:
            return number
    sys.exit("the server's account cannot enter its directories, and root lacks CAP_DAC_OVERRIDE here")


def _keep_only(libc: ctypes.CDLL, number: int) -> None:
    mask = 1 << number
    header, data = _Header(CAPABILITY_VERSION_3, 0), (_Data * 2)(_Data(mask, mask, mask))
    _check(libc.capset(ctypes.byref(header), data), "capset")
    _check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0), "prctl(PR_CAP_AMBIENT_RAISE)")


def _check(result: int, call: str) -> None:
    if result != 0:
        sys.exit(f"{call}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), [int(c) for c in sys.argv[3].split(",") if c], sys.argv[4:])
