"""Alerts of a state that is gone: once a rebuild is over, those that the new state does not know get a last version.

A rebuild under another model, or from a log that is not whole, may tell alerts under other ids. Those that stand open
on the topic would then stay open for ever. The worker notes what the fold tells while it rebuilds (`Rebuild`, a block
of each snapshot, so that a rebuild that is cut short goes on as one), and compares it with the topic at the end
(`AlertTopic`).
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
from pydantic import ValidationError

from schemas.alert import Alert, Status, Words
from services.detector.domain import words
from services.detector.domain.instants import instant

BLOCK = "rebuild"
"""Name of the block in a snapshot."""
CLOSED_BY = "rebuild"
"""`ended_by` of the last version."""
WHY = Words(
    en="Closed because the detector has learned its state anew from the log; a rise that goes on is a new alert.",
    fr="Close car le d\u00e9tecteur a r\u00e9appris son \u00e9tat \u00e0 partir du journal ; "
    "une hausse qui dure est une nouvelle alerte.",
    es="Cerrada porque el detector ha aprendido su estado de nuevo a partir del registro; "
    "un aumento que sigue es una alerta nueva.",
)


class Version(msgspec.Struct, frozen=True, array_like=True):
    """One version of an alert, by its number and the hash of its bytes."""

    number: int
    digest: str


class Rebuild(msgspec.Struct):
    """What a rebuild must know until it is over, and what it leaves behind."""

    until: int = 0
    """Offset up to which the log is replayed; 0: nothing is being rebuilt."""
    from_ms: int = 0
    """Log time from which on it is replayed; 0: from the beginning of the log."""
    unknown_from_ms: int = 0
    """Calls from here to `from_ms` were counted in no sealed hour and are no longer on the log; 0: there are none."""
    open: dict[str, Version] = {}
    """Alerts that the fold has told since it began and that have not ended, by id."""
    lifts: dict[str, int] = {}
    """What is added to the versions of alerts that stood on the topic with other words and higher versions, by id."""

    def note(self, alert: Alert, body: bytes) -> None:
        """The fold tells a version."""
        if alert.status == "ended":
            self.open.pop(alert.id, None)
        else:
            self.open[alert.id] = Version(alert.version, digest_of(body))

    def lifted(self, alert: Alert) -> Alert:
        """A version as it is told: above all that stood on the topic before."""
        lift = self.lifts.get(alert.id, 0)
        return alert.model_copy(update={"version": alert.version + lift}) if lift else alert

    def is_idle(self) -> bool:
        """Whether there is nothing to keep."""
        return not (self.until or self.lifts)


def blocks_of(rebuild: Rebuild) -> dict[str, bytes]:
    """As part of a snapshot; no block when there is nothing to keep."""
    return {} if rebuild.is_idle() else {BLOCK: msgspec.msgpack.encode(rebuild)}


def rebuild_of(blocks: Mapping[str, bytes]) -> Rebuild:
    """What a snapshot says of a rebuild."""
    return msgspec.msgpack.decode(blocks[BLOCK], type=Rebuild) if BLOCK in blocks else Rebuild()


class _Head(msgspec.Struct):
    """As much of an alert as decides."""

    id: str
    version: int
    status: Status
    home_area: str
    raised_at: datetime


class AlertTopic:
    """What stands on `alerts.v1` of the home areas of one partition.

    Args:
        is_ours: whether the calls of a home area stand in the partition.
    """

    def __init__(self, is_ours: Callable[[str], bool]) -> None:
        self._is_ours = is_ours
        self._newest: dict[str, tuple[_Head, bytes]] = {}
        self._digests: dict[str, dict[int, str]] = {}

    def note(self, value: bytes) -> None:
        """The next record of the topic; what is not of the contract is nobody's alert."""
        try:
            head = msgspec.json.decode(value, type=_Head)
        except (msgspec.MsgspecError, RecursionError):
            return
        if not self._is_ours(head.home_area):
            return
        self._digests.setdefault(head.id, {}).setdefault(head.version, digest_of(value))
        if head.id not in self._newest or head.version > self._newest[head.id][0].version:
            self._newest[head.id] = head, value

    def orphans(self, known: Rebuild, now_ms: int) -> list[Alert]:
        """Newest versions of open alerts that a rebuilt state does not know, by id.

        Args:
            now_ms: log time of the state; what was raised later was told by somebody who is further.
        """
        found = []
        for name, (head, value) in sorted(self._newest.items()):
            if head.status == "ended" or name in known.open or head.raised_at > instant(now_ms):
                continue
            try:
                found.append(Alert.model_validate_json(value))
            except ValidationError:
                continue
        return found

    def lifts(self, known: Rebuild) -> dict[str, int]:
        """For alerts that are open in both and were told in other words before: how far their versions must rise."""
        return {
            name: self._newest[name][0].version - version.number
            for name, version in sorted(known.open.items())
            if name in self._newest
            and self._newest[name][0].version > version.number
            and self._digests[name].get(version.number) != version.digest
        }


def last_version(alert: Alert, now_ms: int) -> Alert:
    """The version that ends an alert whose state is gone."""
    now = max(instant(now_ms), alert.updated_at)
    because = alert.because
    if because is not None:
        because = because.model_copy(update={"ends": None, "ends_words": None})
    return alert.model_copy(
        update={
            "version": alert.version + 1,
            "status": "ended",
            "updated_at": now,
            "ended_at": now,
            "ended_by": CLOSED_BY,
            "headline": _headline(alert),
            "explanation": WHY,
            "because": because,
        }
    )


def digest_of(body: bytes) -> str:
    """Hash of a version's bytes.

    >>> digest_of(b"{}")
    '44136fa355b3678a'
    """
    return hashlib.sha256(body).hexdigest()[:16]


def _headline(alert: Alert) -> Words:
    """That it ended; a feed has no need, so its own name stands there."""
    needs = {language: getattr(alert.need_name, language, alert.source) for language in words.LANGUAGES}
    texts = {
        language: words.HEADLINE["ended"][language].format(need=need, area=alert.area_name)
        for language, need in needs.items()
    }
    return Words(**texts)
