"""Which account a server runs as when root starts it, and what that account needs in order to reach its files.

PostgreSQL refuses to run as root, while a data directory of root's (below root's home) and a virtual
environment below ``/root`` cannot be entered by anybody else. Instead of opening those directories to the whole
machine, the server keeps one capability of root's that lets it pass them (see ``drop_root.py``); where everything can
be reached without, it keeps none.
"""

import os
import pwd
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...contracts.errors import ConfigurationError

# The first that exists: made by the administrator for Millstream, made by a packaged PostgreSQL, there anyway.
UNPRIVILEGED = ("millstream", "postgres", "nobody")
DROP_ROOT = Path(__file__).with_name("drop_root.py")

# Numbers of <linux/capability.h>, least first: CAP_DAC_READ_SEARCH reads and enters, CAP_DAC_OVERRIDE also writes
# and executes. A container often grants root the second only.
PASS_DIRECTORIES = (2, 1)
EXECUTE_PRIVATE_FILES = (1,)


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    name: str
    uid: int
    gid: int


def owner_account(*paths: Path) -> Account | None:
    """As root: the owner of the first of ``paths`` that exists and is not root's. None: run as the present user."""
    if os.geteuid() != 0:
        return None
    owners = (path.stat().st_uid for path in paths if path.exists())
    uid = next((uid for uid in owners if uid != 0), None)
    if uid is None:
        return None
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:
        raise ConfigurationError(
            f"{paths[-1]} belongs to uid {uid}, which has no entry in the user database.",
            hint="Give the uid a name (useradd), or set MILLSTREAM_HOME to a directory of an existing user.",
        ) from None


def unprivileged_account() -> Account | None:
    """As root: the account for a server that refuses root. None: run as the present user."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise ConfigurationError(
        f"PostgreSQL does not run as root, and none of the accounts {', '.join(UNPRIVILEGED)} exists.",
        hint="Create one with `useradd --system millstream`, or run Millstream as an ordinary user.",
    )


def command_as(account: Account | None, argv: Sequence[str], reads: Sequence[Path]) -> list[str]:
    """``argv``, or the command by which root runs it as ``account`` with what it needs to reach ``reads``."""
    if account is None:
        return list(argv)
    program = Path(argv[0])
    capabilities: tuple[int, ...] = ()
    if not _permits(account, program, stat.S_IXOTH):
        capabilities = EXECUTE_PRIVATE_FILES
    elif not all(_reachable(account, path) for path in (program, *reads)):
        capabilities = PASS_DIRECTORIES
    allowed = ",".join(map(str, capabilities))
    return [sys.executable, "-I", "-S", str(DROP_ROOT), str(account.uid), str(account.gid), allowed, *argv]


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _reachable(account: Account, path: Path) -> bool:
    return _permits(account, path, stat.S_IROTH) and all(
        _permits(account, parent, stat.S_IXOTH) for parent in path.parents
    )


def _permits(account: Account, path: Path, bit: int) -> bool:
    """Whether the mode bits of ``path`` give ``account`` the right that ``bit`` names in the column of others."""
    status = path.stat()
    if status.st_uid == account.uid:
        bit <<= 6
    elif status.st_gid == account.gid:
        bit <<= 3
    return bool(status.st_mode & bit)
