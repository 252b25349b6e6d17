"""What the broker keeps in its data folder, and the two files that are written there before each start."""

import base64
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
NODE_ID = 1


@dataclass(frozen=True)
class Folder:
    """The broker's part of a data folder: `<data>/kafka`. It is the process's working folder, so settings name its
    parts relatively and no letter in its own path can confuse them."""

    root: Path

    @property
    def topics(self) -> Path:
        """The log itself."""
        return self.root / "topics"

    @property
    def is_formatted(self) -> bool:
        """Whether the log was given its cluster id; Kafka writes this file last."""
        return (self.topics / "meta.properties").is_file()

    @property
    def cluster_id(self) -> Path:
        """Text file with the id that the log is formatted with."""
        return self.root / "cluster-id"

    @property
    def lock(self) -> Path:
        """Held as long as a broker runs on this folder; says its process and port."""
        return self.root / "lock"

    @property
    def log(self) -> Path:
        """The broker's own log, at most 3 x 10 MB."""
        return self.root / "logs" / "kafka.log"

    @property
    def output(self) -> Path:
        """What the process of the latest start printed: errors only."""
        return self.root / "logs" / "output.log"

    def make(self) -> None:
        """Create the folders; only their owner may look, since the log holds calls."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(mode=0o700, exist_ok=True)
        for name in ("logs", "tmp"):
            (self.root / name).mkdir(exist_ok=True)

    def write_settings(self, *, port: int, controller_port: int) -> None:
        """Write `server.properties` and `log4j2.properties` for this start."""
        (self.root / "server.properties").write_text(server_properties(port=port, controller_port=controller_port))
        (self.root / "log4j2.properties").write_text(LOGGING)


def new_cluster_id(random_bytes: bytes) -> str:
    """Kafka's form of 16 random bytes; never starts with a dash, which the command line would take for an option.

    >>> new_cluster_id(bytes(16))
    'AAAAAAAAAAAAAAAAAAAAAA'
    >>> new_cluster_id(b"\\xfb" * 16)[0]
    'A'
    """
    text = base64.urlsafe_b64encode(random_bytes).decode().rstrip("=")
    return "A" + text[1:] if text.startswith("-") else text


def server_properties(*, port: int, controller_port: int) -> str:
    """Settings of one KRaft node that is broker and controller at once and listens on this machine only.

    >>> "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093" in server_properties(
    ...     port=9092, controller_port=9093)
    True
    """
    own = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": "topics",
    }
    return "".join(f"{name}={value}\n" for name, value in own.items()) + FIXED


FIXED = """\
# one node: every internal topic has one replica
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
default.replication.factor=1
min.insync.replicas=1
# topics are made by Groundswell, with their settings
auto.create.topics.enable=false
# quick group joins
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# quick start and stop; without the controlled shutdown each restart waits out the old registration
controlled.shutdown.enable=true
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2000
# small machine
num.network.threads=2
num.io.threads=2
num.recovery.threads.per.data.dir=2
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=8388608
# no second copy exists: after a power cut at most the last second is missing
log.flush.interval.ms=1000
log.flush.scheduler.interval.ms=500
"""

LOGGING = """\
status=warn
shutdownHook=disable
appender.file.type=RollingFile
appender.file.name=FILE
appender.file.fileName=logs/kafka.log
appender.file.filePattern=logs/kafka-%i.log
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=[%d] %p %m (%c{1})%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=2
appender.console.type=Console
appender.console.name=OUTPUT
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%p %m%n%throwable{short.message}%n
appender.console.filter.threshold.type=ThresholdFilter
appender.console.filter.threshold.level=error
rootLogger.level=info
rootLogger.appenderRef.file.ref=FILE
rootLogger.appenderRef.console.ref=OUTPUT
"""
