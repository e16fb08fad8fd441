"""A real Apache Kafka broker (KRaft mode, one node, 127.0.0.1) for tests, benchmarks and ``make kafka``."""

import argparse
import base64
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn, Self

from ..contracts.errors import FatalError, MillstreamError, RetriableError
from .kafka_jars import availability, ensure_jars, require_java

__all__ = ["KafkaBroker", "availability", "main"]

START_SECONDS = 90.0
STOP_SECONDS = 30.0
PORT_ATTEMPTS = 3
LOG_TAIL = 12  # lines shown in an error
HEAP = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError")
QUICKLY = ("-XX:TieredStopAtLevel=1",)

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# A killed broker may come back only when its former session has ended: by default after 9 s.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
num.io.threads=4
num.network.threads=2
# The default of 128 MB is half of this broker's heap.
log.cleaner.dedupe.buffer.size=4194304
"""

LOGGING = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}{UTC} %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
"""


class KafkaBroker:
    """One broker whose files live in ``directory``; ``port`` None takes a free one and keeps it for restarts.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`. It dies with the thread that started it. One
    that is not ``lasting`` is for minutes: Java compiles it quickly instead of well, and it starts for half the cost.
    """

    def __init__(self, directory: Path, port: int | None = None, *, lasting: bool = True) -> None:
        self.directory = directory.resolve()
        self.log = self.directory / "broker.log"
        self._port = port
        self._jit = () if lasting else QUICKLY
        self._controller_port = 0
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients; known from the first start on."""
        if self._port is None:
            raise FatalError("The broker has no address before its first start.", hint="Call start() first.")
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The broker's process, None when it does not run."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process is not None else None

    def start(self) -> Self:
        """Start the broker and wait until it answers a metadata request; nothing happens when it runs.

        Raises :class:`ConfigurationError` (no usable Java, no Maven) or :class:`RetriableError` (did not start), the
        latter with the end of its log.
        """
        if self.pid is not None:
            return self
        java, jars = require_java(), ensure_jars()
        self.directory.mkdir(parents=True, exist_ok=True)
        # A port that was free when chosen may be taken before Java binds it; a port that was given is not replaced.
        attempts = PORT_ATTEMPTS if self._port is None else 1
        for attempt in range(1, attempts + 1):
            chosen = self._port
            self._choose_ports()
            self._write_configuration()
            self._log_start = self.log.stat().st_size if self.log.exists() else 0
            self._format(java, jars)
            self._spawn(java, jars)
            if self._becomes_ready():
                return self
            self.kill()
            if attempt < attempts and "Address already in use" in self._log_end():
                self._port = chosen
                continue
            break
        raise RetriableError(
            f"The Kafka broker did not start on {self.bootstrap}.{self._log_end()}",
            hint=f"The whole log is {self.log}.",
        )

    def stop(self) -> None:
        """Stop the broker cleanly, by force after 30 s; nothing happens when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the broker as a crash would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Stop the broker if it runs and start it again with the same data and port."""
        self.stop()
        return self.start()

    def wait(self) -> int:
        """Block until the broker ends; its exit status (negative: the signal)."""
        return self._process.wait() if self._process is not None else 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _choose_ports(self) -> None:
        """Both ports are bound at once so that they differ; the controller's may change at a restart."""
        with socket.socket() as broker, socket.socket() as controller:
            controller.bind(("127.0.0.1", 0))
            self._controller_port = controller.getsockname()[1]
            if self._port is None:
                broker.bind(("127.0.0.1", 0))
                self._port = broker.getsockname()[1]

    def _write_configuration(self) -> None:
        data = str(self.directory / "data").replace("\\", "\\\\")
        properties = PROPERTIES.format(port=self._port, controller=self._controller_port, data=data)
        self._properties.write_text(properties, encoding="utf-8")
        (self.directory / "log4j2.properties").write_text(LOGGING, encoding="utf-8")

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    def _format(self, java: str, jars: Path) -> None:
        if (self.directory / "data" / "meta.properties").exists():
            return
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        argv = self._java(java, jars, *QUICKLY, "kafka.tools.StorageTool", "format")
        argv += [f"--cluster-id={cluster}", f"--config={self._properties}"]
        with self.log.open("ab") as log:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
        if done.returncode != 0:
            raise RetriableError(
                f"Kafka could not format {self.directory / 'data'}.{self._log_end()}",
                hint="Check the free space and the owner of the directory.",
            )

    def _spawn(self, java: str, jars: Path) -> None:
        guard = [sys.executable, "-I", "-S", str(Path(__file__).with_name("die_with_parent.py")), str(os.getpid())]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*guard, *self._java(java, jars, *self._jit, "kafka.Kafka", str(self._properties))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in a terminal reaches the owner, which then stops the broker in order.
                start_new_session=True,
            )

    def _java(self, java: str, jars: Path, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"
        return [java, *HEAP, logging, "-cp", f"{jars}/*", *arguments]

    def _becomes_ready(self) -> bool:
        deadline, pause = time.monotonic() + START_SECONDS, threading.Event()
        while self.pid is not None and time.monotonic() < deadline:
            if self._port is not None and answers_metadata(self._port):
                return True
            pause.wait(0.05)
        return False

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _log_end(self) -> str:
        """The end of what was logged since the last start, without Java's stack frames."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        telling = [line for line in lines if not line.startswith("\t")]
        return "".join(f"\n  {line}" for line in telling[-LOG_TAIL:])


def answers_metadata(port: int) -> bool:
    """Whether the broker at 127.0.0.1:``port`` answers a metadata request and knows of at least one live broker."""
    # Metadata (3) version 0, correlation id 1, no client id, no topics named.
    request = struct.pack(">hhihi", 3, 0, 1, -1, 0)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as answer:
                head = answer.read(12)
    except OSError:
        return False
    # Size, correlation id, number of brokers.
    return len(head) == 12 and struct.unpack(">iii", head)[2] > 0


def main(arguments: list[str] | None = None) -> int:
    """Run a broker in the foreground until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m millstream.ops.kafka_broker", description=main.__doc__)
    parser.add_argument("--port", type=int, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--directory", type=Path, help="keep the data here (default: a temporary directory)")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _serve(options.port, options.directory)
    except KeyboardInterrupt:
        return 0
    except MillstreamError as error:
        sys.stderr.write(f"{error}\n{error.hint}\n")
        return error.exit_code


def _serve(port: int | None, directory: Path | None) -> int:
    with ExitStack() as stack:
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ms-kafka-")))
        sys.stdout.write("Starting Apache Kafka (the first time, Maven fetches 43 MB of jars) …\n")
        sys.stdout.flush()
        broker = stack.enter_context(KafkaBroker(directory, port))
        sys.stdout.write(
            f"Kafka listens on {broker.bootstrap}; its log is {broker.log}. Ctrl-C stops it.\n"
            f"To use it, in another terminal:\n"
            f"  export MILLSTREAM_BUS=kafka MILLSTREAM_KAFKA_BOOTSTRAP={broker.bootstrap}\n"
        )
        sys.stdout.flush()
        status = broker.wait()
        raise RetriableError(f"The broker ended by itself with status {status}.", hint=f"Read {broker.log}.")


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
