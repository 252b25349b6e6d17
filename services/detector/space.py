"""The space as the log describes it: configuration, reference bodies, and whether this worker's settings agree."""

import threading

import msgspec

from schemas.reference import Reference, decode_reference
from schemas.space_config import POINTER_KEY, TUNABLE, SpaceConfig
from schemas.topics import REFERENCE
from services.runtime.clock import Clock
from services.runtime.kafka import KafkaAway, read_all
from services.runtime.settings import Settings

PAUSE_SECONDS = 0.5
COMPARED = (*TUNABLE, "partitions")


def group_of(space: str) -> str:
    """Name of the consumer group that the workers of a space form.

    >>> group_of("live")
    'groundswell-detector-live'
    """
    return f"groundswell-detector-{space}"


class SpaceProblem(RuntimeError):
    """This worker's settings differ from the log's, or the log has no configuration; the sentence says what to do."""


class References:
    """Reference bodies by hash; each is read from the log once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, Reference] = {}

    def __call__(self, digest: str) -> Reference:
        """The reference of a hash.

        Raises:
            SpaceProblem: the log does not hold it.
        """
        if digest not in self._known:
            for record in read_all(self._settings, REFERENCE.in_space(self._settings.space), 0):
                if record.key == digest.encode() and record.value:
                    self._known[digest] = decode_reference(record.value)
        if digest not in self._known:
            raise SpaceProblem(
                f"the log names reference {digest[:12]} but does not hold it; start ingest with REFERENCE set"
            )
        return self._known[digest]


def wait_for_space(settings: Settings, clock: Clock, seconds: float) -> SpaceConfig:
    """The configuration in force, once somebody has written one.

    Raises:
        SpaceProblem: none came in time, or the settings that are set here say something else.
    """
    deadline, pause = clock.monotonic() + seconds, threading.Event()
    while True:
        config = _pointer(settings)
        if config is not None:
            _check(settings, config)
            return config
        if clock.monotonic() > deadline:
            raise SpaceProblem(f"space {settings.space} has no configuration; start `groundswell ingest` first")
        pause.wait(PAUSE_SECONDS)


def _pointer(settings: Settings) -> SpaceConfig | None:
    try:
        records = read_all(settings, REFERENCE.in_space(settings.space), 0)
    except KafkaAway:
        return None
    found = [record.value for record in records if record.key == POINTER_KEY.encode() and record.value]
    return msgspec.json.decode(found[-1], type=SpaceConfig) if found else None


def _check(settings: Settings, config: SpaceConfig) -> None:
    """Only what is set here is compared; what is not set is taken from the log."""
    differ = [
        f"{name} is {getattr(config, name)} on the log and {getattr(settings, name)} in the settings"
        for name in COMPARED
        if name in settings.model_fields_set and getattr(settings, name) != getattr(config, name)
    ]
    if differ:
        raise SpaceProblem(
            f"the settings differ from space {settings.space}: {'; '.join(differ)}. "
            "Set them back, or put them in force with `groundswell topics create --apply`"
        )
