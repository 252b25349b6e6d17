"""Three KRaft nodes that are brokers and controllers at once: what a cluster does when a leader goes."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from schemas.topics import Topic
from services.runtime.embedded import EmbeddedKafka
from services.runtime.embedded.files import HOST, Folder, new_cluster_id, server_properties
from services.runtime.kafka import admin_client
from services.runtime.settings import Settings
from tests.ports import free_port

NODES = 3
OF_A_CLUSTER = """\
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
default.replication.factor=3
min.insync.replicas=2
"""


@dataclass(frozen=True)
class NodeFolder(Folder):
    """The folder of one node; its settings name the others."""

    number: int
    controllers: tuple[int, ...]
    """Ports of all controllers, by node."""

    def write_settings(self, *, port: int, controller_port: int) -> None:
        """As for a node that is alone, but for its number, its controller's port and who votes."""
        super().write_settings(port=port, controller_port=self.controllers[self.number - 1])
        voters = ",".join(f"{number}@{HOST}:{port}" for number, port in enumerate(self.controllers, 1))
        alone = server_properties(port=port, controller_port=self.controllers[self.number - 1])
        own = f"node.id={self.number}\ncontroller.quorum.voters={voters}\n{OF_A_CLUSTER}"
        (self.root / "server.properties").write_text(alone + own)  # of two lines with one name the later counts


class Node(EmbeddedKafka):
    """One of them."""

    def __init__(self, folder: Path, number: int, controllers: tuple[int, ...]) -> None:
        super().__init__(folder, port=free_port(), heap_mb=256)
        self.folder = NodeFolder(self.folder.root, number, controllers)


class Cluster:
    """Usable in place of one broker; `pid` and `kill` are about the node that leads most of what was asked for last."""

    def __init__(self, folder: Path) -> None:
        controllers = tuple(free_port() for _ in range(NODES))
        self.nodes = [Node(folder / f"node-{number}", number, controllers) for number in range(1, NODES + 1)]
        identity = new_cluster_id(secrets.token_bytes(16))
        for node in self.nodes:
            node.folder.make()
            node.folder.cluster_id.write_text(identity + "\n")

    @property
    def bootstrap(self) -> str:
        """Addresses of all."""
        return ",".join(node.bootstrap for node in self.nodes)

    def start(self) -> None:
        """Start those that do not run, at once: one alone has no quorum to answer with."""
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(lambda node: node.start(timeout_seconds=300), self.nodes))

    def stop(self) -> None:
        """End all; without a quorum none could hand over, so nobody waits for that."""
        for node in self.nodes:
            node.kill()

    def leader(self, settings: Settings, topic: Topic) -> Node:
        """The node that leads the first partition of a topic."""
        with admin_client(settings) as admin:
            found = admin.describe_topics([topic.in_space(settings.space)])[0]
        return self.nodes[int(found["partitions"][0]["leader_id"]) - 1]

    def is_whole(self, settings: Settings, topic: Topic) -> bool:
        """Whether every node holds every record of a topic."""
        with admin_client(settings) as admin:
            found = admin.describe_topics([topic.in_space(settings.space)])[0]
        return all(len(part["isr_nodes"]) == NODES for part in found["partitions"])
