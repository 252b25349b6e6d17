"""What a space is run with: the body of the `config` control, and the pointer kept on `reference.v1`.

`reference.v1` holds each body under its SHA-256 and, under the key `config`, the `SpaceConfig` in force.
"""

import msgspec

POINTER_KEY = "config"
MODEL = "groundswell/5"


class SpaceConfig(msgspec.Struct, frozen=True):
    """Everything that the fold depends on besides the calls; on the log, so that a replay finds it there."""

    mode: str
    """live, replay or exercise: what alerts carry."""
    grid_ms: int
    seal_hours: int
    budget_per_week: float
    """First value for each home area; later ones come as `budget` controls."""
    partitions: int
    reference: str
    """SHA-256 of the reference body."""
    model: str = MODEL


TUNABLE = ("grid_ms", "seal_hours", "budget_per_week")
"""What `topics create --apply` may change; a worker that was not told a value takes the log's."""


class Difference(msgspec.Struct, frozen=True):
    """A setting in which two configurations differ."""

    setting: str
    on_the_log: str
    asked_for: str

    def __str__(self) -> str:
        return f"{self.setting} is {self.on_the_log} on the log and {self.asked_for} in the settings"


def differences(on_the_log: SpaceConfig, asked_for: SpaceConfig) -> tuple[Difference, ...]:
    """Where the settings of a worker differ from the log's; empty when it may start.

    >>> one = SpaceConfig("live", 500, 6, 3.0, 8, "aa")
    >>> [str(d) for d in differences(one, msgspec.structs.replace(one, grid_ms=1000))]
    ['grid_ms is 500 on the log and 1000 in the settings']
    """
    old, new = msgspec.structs.asdict(on_the_log), msgspec.structs.asdict(asked_for)
    return tuple(Difference(name, str(old[name]), str(new[name])) for name in old if old[name] != new[name])
