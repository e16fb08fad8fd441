import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from support.servers import require_kafka

from millstream.contracts.errors import ConfigurationError, FatalError, RetriableError
from millstream.ops import kafka_jars
from millstream.ops.kafka_broker import KafkaBroker, answers_metadata, availability

FOREGROUND = [sys.executable, "-m", "millstream.ops.kafka_broker"]


@pytest.fixture
def needs_kafka() -> None:
    require_kafka()


@pytest.fixture
def broker(needs_kafka, tmp_path: Path) -> Iterator[KafkaBroker]:
    broker = KafkaBroker(tmp_path / "kafka", lasting=False)
    yield broker
    broker.kill()


async def create_topic(broker: KafkaBroker) -> str:
    topic = f"topic-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    return topic


async def send(broker: KafkaBroker, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, value)


async def receive(broker: KafkaBroker, topic: str) -> bytes:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        return (await consumer.getone()).value
    finally:
        await consumer.stop()


@pytest.mark.kafka
async def test_session_broker_carries_a_message(kafka_broker):
    topic = await create_topic(kafka_broker)
    await send(kafka_broker, topic, b"hello")
    assert await receive(kafka_broker, topic) == b"hello"


@pytest.mark.kafka
async def test_killed_broker_comes_back_with_its_data_and_port(broker):
    address = broker.start().bootstrap
    topic = await create_topic(broker)
    await send(broker, topic, b"kept")
    broker.kill()
    assert broker.pid is None
    assert broker.start().bootstrap == address
    assert await receive(broker, topic) == b"kept"
    pid = broker.pid
    broker.restart()
    assert broker.pid != pid
    assert await receive(broker, topic) == b"kept"
    broker.stop()
    assert not answers_metadata(int(address.rpartition(":")[2]))
    assert "SLF4J" not in broker.log.read_text()


@pytest.mark.kafka
def test_port_taken_by_another_process_is_reported_with_the_end_of_the_log(needs_kafka, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        broker = KafkaBroker(tmp_path / "kafka", taken.getsockname()[1], lasting=False)
        with pytest.raises(RetriableError, match="Address already in use"):
            broker.start()
        assert broker.pid is None


@pytest.mark.kafka
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_foreground_broker_says_how_to_use_it_and_stops_on_a_signal(needs_kafka, number):
    with subprocess.Popen(FOREGROUND, stdout=subprocess.PIPE, text=True) as process:
        line = next(line for line in process.stdout if "MILLSTREAM_BUS=kafka" in line)
        port = int(line.rsplit(":", 1)[1])
        assert answers_metadata(port)
        children = psutil.Process(process.pid).children()
        process.send_signal(number)
        assert process.wait(30) == 0
    assert children
    assert psutil.wait_procs(children, timeout=10)[1] == []


@pytest.mark.kafka
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_broker_dies_with_a_killed_owner(needs_kafka, tmp_path):
    command = [*FOREGROUND, "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        next(line for line in process.stdout if "MILLSTREAM_BUS=kafka" in line)
        (java,) = psutil.Process(process.pid).children()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert psutil.wait_procs([java], timeout=10)[1] == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [(None, "java is not on PATH"), ("echo 'openjdk version \"11.0.2\"' >&2", "is Java 11, Kafka needs Java 17")],
    ids=["no java", "old java"],
)
def test_unusable_java_is_named_and_refused(script, reason, tmp_path, monkeypatch):
    if script is not None:
        java = tmp_path / "java"
        java.write_text(f"#!/bin/sh\n{script}\n")
        java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert reason in availability()
    with pytest.raises(ConfigurationError, match=reason):
        KafkaBroker(tmp_path / "kafka", lasting=False).start()


def test_missing_maven_without_cached_jars_is_named(tmp_path, monkeypatch):
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"21\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(kafka_jars, "_cache", lambda: tmp_path / "cache")
    assert "mvn is not on PATH" in availability()
    kafka_jars.jar_directory().mkdir(parents=True)
    assert availability() is None


def test_failing_maven_leaves_no_half_filled_directory(tmp_path, monkeypatch):
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho no route to the repository\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(kafka_jars, "_cache", lambda: tmp_path / "cache")
    with pytest.raises(RetriableError, match="no route to the repository"):
        kafka_jars.ensure_jars()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["kafka.lock"]


def test_address_before_the_first_start_is_an_error(tmp_path):
    with pytest.raises(FatalError, match="no address"):
        _ = KafkaBroker(tmp_path).bootstrap
