"""The space that this API serves: its configuration and reference data, from the log, with a copy in the database."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import select

from schemas.reference import content_hash, decode_reference
from schemas.space_config import POINTER_KEY, TUNABLE, SpaceConfig, differences
from schemas.topics import REFERENCE
from services.api.codebook import Codebook
from services.api.database import Database, WrongDatabase, upsert
from services.api.feed import announce
from services.api.tables import alert_feed, space
from services.runtime.kafka import StoredRecord
from services.runtime.settings import Settings


class WrongSettings(RuntimeError):
    """The settings of this process differ from what the space is run with; the sentence says in what."""


class BadPointer(RuntimeError):
    """`reference.v1` holds something that is not of the contract; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Space:
    """What is known once a space has been set up."""

    name: str
    config: SpaceConfig
    book: Codebook


def space_in(records: Sequence[StoredRecord], settings: Settings) -> tuple[Space, bytes] | None:
    """The space that the records of `reference.v1` describe, with the reference body; None when nobody has set it up.

    Raises:
        BadPointer: the pointer or the body is not readable.
        WrongSettings: the settings ask for something else.
    """
    newest = {record.key: record.value for record in records}
    pointer = newest.get(POINTER_KEY.encode())
    if pointer is None:
        return None
    name = REFERENCE.in_space(settings.space)
    try:
        config = msgspec.json.decode(pointer, type=SpaceConfig)
    except msgspec.MsgspecError:
        raise BadPointer(f"the pointer on {name} is not a configuration: run `groundswell topics create`") from None
    check_settings(config, settings)
    body = newest.get(config.reference.encode())
    if body is None:
        return None
    return _space(settings.space, config, body), body


def check_settings(config: SpaceConfig, settings: Settings) -> None:
    """Raise WrongSettings when what is set here differs from the configuration on the log; the rest is the log's."""
    said = {name: getattr(settings, name) for name in (*TUNABLE, "partitions") if name in settings.model_fields_set}
    asked = msgspec.structs.replace(config, mode=settings.mode, **said)
    if found := differences(config, asked):
        raise WrongSettings(
            f"the space {settings.space} is run with other settings: "
            + "; ".join(str(one) for one in found)
            + ". Set these as on the log, or choose another GROUNDSWELL_SPACE"
        )


def prepare(database: Database, name: str, now_ms: int) -> None:
    """Give the database to a space, and a fresh one the beginning of its feed.

    The feed begins at the time of making: positions of an older database are then too old, and a page notices.

    Raises:
        WrongDatabase: it belongs to another space.
        DatabaseAway: it cannot be used now.
    """
    with database.writing() as connection:
        feed = {"id": 1, "first": now_ms, "last": now_ms}
        connection.execute(upsert(connection, alert_feed).values(feed).on_conflict_do_nothing())
        owner = upsert(connection, space).values(name="owner", value=name)
        connection.execute(owner.on_conflict_do_nothing())
        found = connection.scalar(select(space.c.value).where(space.c.name == "owner"))
    if found != name:
        raise WrongDatabase(
            f"the database belongs to the space {found} and the settings ask for {name}: "
            "give each space its own GROUNDSWELL_DATABASE_URL"
        )


def remember(database: Database, config: SpaceConfig, body: bytes) -> None:
    """Keep a copy, so that a restart without Kafka can still show what is known. Raises DatabaseAway."""
    rows = [
        {"name": "config", "value": msgspec.json.encode(config).decode()},
        {"name": "reference", "value": body.decode()},
    ]
    with database.writing() as connection:
        known = connection.scalar(select(space.c.value).where(space.c.name == "config"))
        if known is not None and known != rows[0]["value"]:
            announce(connection, "reference")
        statement = upsert(connection, space)
        statement = statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})
        connection.execute(statement, rows)


def remembered(database: Database, settings: Settings) -> Space | None:
    """The copy of an earlier start; None when there is none. Raises DatabaseAway, WrongSettings."""
    with database.reading() as connection:
        found = {row.name: row.value for row in connection.execute(select(space))}
    if "config" not in found or "reference" not in found:
        return None
    config = msgspec.json.decode(found["config"], type=SpaceConfig)
    check_settings(config, settings)
    return _space(settings.space, config, found["reference"].encode())


def _space(name: str, config: SpaceConfig, body: bytes) -> Space:
    if content_hash(body) != config.reference:
        raise BadPointer(f"the reference body {config.reference[:12]} does not have the hash that names it")
    try:
        return Space(name, config, Codebook(decode_reference(body)))
    except msgspec.MsgspecError:
        raise BadPointer(
            f"the reference body {config.reference[:12]} is not readable by this version of Groundswell"
        ) from None
