"""The AsyncAPI 3.0 document: every topic with its key, its messages and its cleanup, and who sends and receives."""

from typing import Any

from schemas.contracts import CONTRACTS, OPAQUE, TOPIC_CONTRACTS
from schemas.topics import (
    ACTIONS,
    ALERTS,
    CALLERS,
    CALLS,
    COUNTS,
    QUARANTINE,
    REFERENCE,
    REJECTED,
    SERIES,
    SNAPSHOTS,
    STATUS,
    TOPICS,
    Topic,
)

BINDING = "0.5.0"
NUMBERS = ("retention.ms", "max.message.bytes")
"""Settings that the Kafka binding gives as numbers; it names these and cleanup.policy only."""

SENDERS = {
    CALLS.name: ("ingest", "api", "cli"),
    REJECTED.name: ("ingest", "detector"),
    COUNTS.name: ("detector",),
    SERIES.name: ("detector",),
    ALERTS.name: ("detector",),
    CALLERS.name: ("ingest",),
    STATUS.name: ("detector", "ingest"),
    ACTIONS.name: ("api",),
    SNAPSHOTS.name: ("detector",),
    REFERENCE.name: ("ingest", "cli"),
    QUARANTINE.name: ("detector",),
}
RECEIVERS = {
    CALLS.name: ("detector",),
    REJECTED.name: (),
    COUNTS.name: ("cli",),
    SERIES.name: ("api",),
    ALERTS.name: ("api",),
    CALLERS.name: ("api",),
    STATUS.name: ("api",),
    ACTIONS.name: (),
    SNAPSHOTS.name: ("detector",),
    REFERENCE.name: ("detector", "api"),
    QUARANTINE.name: ("detector",),
}

ABOUT = (
    "Topics of one Groundswell space. In the live space the names stand as here; "
    "in another space its name and a dot stand before each. "
    "Keys are UTF-8, partitioned by Kafka's default partitioner (murmur2)."
)


def asyncapi() -> dict[str, Any]:
    """The document, with the JSON Schemas beside it referred to by file name."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Groundswell topics", "version": "1.0.0", "description": ABOUT},
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"default": "127.0.0.1:9092", "description": "Setting KAFKA_BOOTSTRAP."}},
            }
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {
            f"{service}-{action}s-{topic.name}": _operation(action, topic)
            for action, services in (("send", SENDERS), ("receive", RECEIVERS))
            for topic in TOPICS
            for service in services[topic.name]
        },
        "components": {"messages": {f"{topic.name}.{name}": _message(topic, name) for topic, name in _messages()}},
    }


def _messages() -> list[tuple[Topic, str]]:
    return [(topic, name) for topic in TOPICS for name in TOPIC_CONTRACTS[topic.name]]


def _channel(topic: Topic) -> dict[str, Any]:
    binding: dict[str, Any] = {"topicConfiguration": _configuration(topic), "bindingVersion": BINDING}
    if topic.partitions is not None:
        binding["partitions"] = topic.partitions
    return {
        "address": topic.name,
        "description": f"{topic.what[0].upper()}{topic.what[1:]}.",
        "messages": {name: _reference("components/messages", f"{topic.name}.{name}") for name in _names(topic)},
        "bindings": {"kafka": binding},
    }


def _names(topic: Topic) -> tuple[str, ...]:
    return TOPIC_CONTRACTS[topic.name]


def _configuration(topic: Topic) -> dict[str, Any]:
    """Settings of the topic in the binding's words: a list of policies, numbers as numbers."""
    policy = topic.config["cleanup.policy"].split(",")
    rest = {name: value for name, value in topic.config.items() if name != "cleanup.policy"}
    return {
        "cleanup.policy": policy,
        **{name: int(value) if name in NUMBERS else value for name, value in rest.items()},
    }


def _message(topic: Topic, name: str) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": name,
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": BINDING}},
    }
    if name == OPAQUE:
        return {
            **message,
            "title": "Chunk or manifest of a snapshot",
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "format": "binary", "description": "Read by the version that wrote it."},
        }
    contract = CONTRACTS[name]
    schema = {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": {"$ref": f"./{contract.file}"}}
    return {**message, "title": contract.title, "contentType": "application/json", "payload": schema}


def _operation(action: str, topic: Topic) -> dict[str, Any]:
    return {
        "action": action,
        "channel": _reference("channels", topic.name),
        "messages": [_reference(f"channels/{topic.name}/messages", name) for name in _names(topic)],
    }


def _reference(place: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/{place}/{name}"}
