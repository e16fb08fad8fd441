"""Java and the jars of Apache Kafka: fetched once from Maven Central into the user's cache."""

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from ..contracts.errors import ConfigurationError, RetriableError

OLDEST_JAVA = 17
INSTALL = "On Debian: apt install openjdk-17-jre-headless maven"


def availability() -> str | None:
    """None when a broker can be started here, else the reason why not."""
    java = shutil.which("java")
    if java is None:
        return f"java is not on PATH (Kafka needs Java {OLDEST_JAVA})"
    version = _java_version(java)
    if version is None or version < OLDEST_JAVA:
        return f"{java} is Java {version or 'of an unknown version'}, Kafka needs Java {OLDEST_JAVA}"
    if not pom_file().exists():
        return f"{pom_file()} is missing: a broker is started from a source checkout only"
    if shutil.which("mvn") is None and not jar_directory().exists():
        return f"mvn is not on PATH and {jar_directory()} does not exist"
    return None


def require_java() -> str:
    """The java program. Raises :class:`ConfigurationError` when a broker cannot be started here."""
    reason = availability()
    if reason is not None:
        raise ConfigurationError(f"No Kafka broker can be started: {reason}.", hint=INSTALL)
    return str(shutil.which("java"))


def pom_file() -> Path:
    """The list of what to fetch, in the source checkout."""
    return Path(__file__).resolve().parents[2] / "deploy" / "kafka" / "pom.xml"


def jar_directory() -> Path:
    """Where the jars are kept: one directory for each version and content of the list."""
    pom = pom_file().read_bytes()
    version = re.search(rb"<kafka.version>([^<]+)</kafka.version>", pom)
    if version is None:
        raise ConfigurationError(f"{pom_file()} names no kafka.version.", hint="Restore the file from the repository.")
    content = hashlib.sha256(pom).hexdigest()[:8]
    return _cache() / f"kafka-{version[1].decode()}-{content}"


def ensure_jars() -> Path:
    """The directory of the jars; Maven fetches them when missing (43 MB), else :class:`RetriableError`."""
    jars = jar_directory()
    if jars.exists():
        return jars
    with _locked(_cache() / "kafka.lock"):
        if not jars.exists():
            _fetch(jars)
    return jars


def _cache() -> Path:
    return Path(platformdirs.user_cache_path("millstream"))


def _fetch(jars: Path) -> None:
    """Copy everything beside ``jars`` and rename it, so that the directory is either absent or complete."""
    with tempfile.TemporaryDirectory(prefix="kafka-", dir=jars.parent) as scratch:
        target = Path(scratch) / "jars"
        done = subprocess.run(
            [
                *("mvn", "--quiet", "--batch-mode", "--file", str(pom_file()), "dependency:copy-dependencies"),
                *(f"-DoutputDirectory={target}", "-DincludeScope=runtime"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd=scratch,
            text=True,
        )
        if done.returncode != 0:
            raise RetriableError(
                f"Maven could not fetch Kafka:\n{done.stdout.strip()[-2000:]}",
                hint="Check the network and Maven's settings (a mirror or proxy goes into ~/.m2/settings.xml).",
            )
        target.rename(jars)


def _java_version(java: str) -> int | None:
    done = subprocess.run([java, "-version"], capture_output=True, check=False, text=True)
    found = re.search(r'version "(\d+)', done.stderr)
    return int(found[1]) if found else None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
