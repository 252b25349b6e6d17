"""How the topics of a space stand against `schemas.topics`."""

from dataclasses import asdict, dataclass
from typing import Any

from schemas.topics import TOPICS, Topic, topic_config
from services.cli.log_tail import consumer, require_kafka
from services.runtime.kafka import admin_client
from services.runtime.settings import Settings

STRICT = ("cleanup.policy", "message.timestamp.type", "max.message.bytes")
"""Settings that must be as wanted; retention is the operator's choice."""


@dataclass(frozen=True)
class TopicState:
    """One topic as it is."""

    name: str
    what: str
    partitions: int | None
    """None: it does not exist."""
    records: int
    """End offsets less first offsets."""
    problem: str | None
    """What differs, and what to do; None when all is well."""
    kept_ms: int | None = None
    """How long Kafka keeps a record, of topics that delete by age."""
    wanted_ms: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def topic_states(settings: Settings) -> tuple[TopicState, ...]:
    """Every topic of the space, in the order of the list.

    Raises:
        KafkaAway: no Kafka.
    """
    names = {topic.in_space(settings.space): topic for topic in TOPICS}
    counts = existing_topics(settings)
    with admin_client(settings) as admin:
        configs = _configs(admin, list(counts))
    records = _records(settings, counts)
    return tuple(
        TopicState(
            name,
            topic.what,
            counts.get(name),
            records.get(name, 0),
            _problem(topic, settings, counts.get(name), configs.get(name, {})),
            *_retention(topic, configs.get(name, {})),
        )
        for name, topic in names.items()
    )


def existing_topics(settings: Settings) -> dict[str, int]:
    """Partitions of each topic of the space that exists, by full name.

    Raises:
        KafkaAway: no Kafka.
    """
    require_kafka(settings)
    names = {topic.in_space(settings.space) for topic in TOPICS}
    with admin_client(settings) as admin:
        return {t["name"]: len(t["partitions"]) for t in admin.describe_topics() if t["name"] in names}


def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    from kafka.admin import ConfigResource, ConfigResourceType

    if not names:
        return {}
    found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, n) for n in names], config_filter="all")
    return {
        name: {setting: str(value.get("value")) for setting, value in found["topic"][name].items()} for name in names
    }


def _records(settings: Settings, counts: dict[str, int]) -> dict[str, int]:
    from kafka import TopicPartition

    places = [TopicPartition(name, number) for name, count in counts.items() for number in range(count)]
    if not places:
        return {}
    with consumer(settings) as reader:
        first, end = reader.beginning_offsets(places), reader.end_offsets(places)
    totals = dict.fromkeys(counts, 0)
    for place in places:
        totals[place.topic] += end[place] - first[place]
    return totals


def _retention(topic: Topic, config: dict[str, str]) -> tuple[int | None, int | None]:
    """As it is and as it was asked for, ms; nothing of a topic that keeps by key or is not there."""
    wanted = topic.config.get("retention.ms")
    if wanted is None or "retention.ms" not in config:
        return None, None
    return int(config["retention.ms"]), int(wanted)


def _problem(topic: Topic, settings: Settings, partitions: int | None, config: dict[str, str]) -> str | None:
    if partitions is None:
        return "is missing; run `groundswell topics create`"
    wanted = topic.partitions or settings.partitions
    if partitions != wanted:
        return (
            f"has {partitions} partitions and the settings ask for {wanted}; "
            f"set GROUNDSWELL_PARTITIONS={partitions}, or choose another space"
        )
    asked = topic_config(topic, settings.space)
    for setting in STRICT:
        if setting in asked and config.get(setting) != asked[setting]:
            return f"has {setting}={config.get(setting)}; set it to {asked[setting]} with kafka-configs"
    return None
