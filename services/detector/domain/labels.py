"""What people said of alerts, and what the hours of each may teach because of it.

Each alert is remembered for 14 days after it ended. `expected_event` and `data_problem` hold back every node that may
have counted its calls, from its onset to its end; `new_normal` lets the nodes that rose take the new level at once;
`false_alarm` and `real_surge` change no number of the model. The first counts in the budget's account; what is called
real or expected had a cause, so it does not count against the budget (`quiet`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.controls import REMEMBERED_DAYS, EventBody, Label
from services.detector.domain import declared
from services.detector.domain.alerts import Episode
from services.detector.domain.calendar import DAY_HOURS, HOUR_MS, Calendar
from services.detector.domain.cases import Case
from services.detector.domain.nodes import Nodes
from services.detector.domain.treatment import Treatment

Index = NDArray[np.int64]

REMEMBERED_MS = REMEMBERED_DAYS * DAY_HOURS * HOUR_MS
WEEK_MS = 7 * DAY_HOURS * HOUR_MS
NOWHERE = -1
HELD_BACK: tuple[Label, ...] = ("expected_event", "data_problem")
CAUSED: tuple[Label, ...] = ("real_surge", "expected_event")
"""What is no chance, and nobody's fault either: a budget is not for it."""


@dataclass
class Remembered:
    """One alert, as far as its label needs it."""

    id: str
    node: int
    """NOWHERE for a silent feed."""
    since: int
    """Bucket of its onset."""
    raised_at: int
    """ms."""
    until: int | None = None
    """First bucket after its end; None while it is open."""
    ended_at: int | None = None
    label: Label | None = None
    accepted: dict[int, float] = field(default_factory=dict)
    """Nodes whose new level is normal, with what it is of the old one."""
    accepted_until: int = 0
    """First bucket that they learn by themselves again."""

    def lasts(self, bucket: int) -> bool:
        """Whether a bucket is one of its hours."""
        return self.since <= bucket and (self.until is None or bucket < self.until)

    @property
    def changes_learning(self) -> bool:
        """Whether its label says how hours are to be learned."""
        return self.label in HELD_BACK or self.label == "new_normal"


@dataclass
class Labels:
    """Remembered alerts of one home area."""

    alerts: dict[str, Remembered] = field(default_factory=dict)
    _masks: dict[str, NDArray[np.bool_]] = field(default_factory=dict, repr=False)
    """Which nodes an alert or an event concerns."""

    def tell_of(self, episode: Episode, open_bucket: int) -> None:
        """A surge alert may have news."""
        if episode.raised_at is not None:
            until = None if episode.open else open_bucket + 1
            alert = Remembered(episode.id, episode.node, episode.since, episode.raised_at, until, episode.ended_at)
            self.remember(alert)

    def tell_of_case(self, case: Case, node: int | None, calendar: Calendar, open_bucket: int) -> None:
        """An alert of another kind may have news; that of a silent feed has no node."""
        until = None if case.open else open_bucket + 1
        since = calendar.bucket(case.since)
        self.remember(
            Remembered(case.id, NOWHERE if node is None else node, since, case.raised_at, until, case.ended_at)
        )

    def remember(self, alert: Remembered) -> None:
        """An alert was told of; what was said about it stays."""
        known = self.alerts.get(alert.id)
        if known is None:
            self.alerts[alert.id] = alert
            return
        if alert.node != known.node:
            self._masks.pop(alert.id, None)
        known.node, known.since = alert.node, min(alert.since, known.since)
        known.until, known.ended_at = alert.until, alert.ended_at

    def forget(self, now: int) -> None:
        """Drop alerts that ended more than 14 days ago."""
        gone = [
            one.id for one in self.alerts.values() if one.ended_at is not None and one.ended_at < now - REMEMBERED_MS
        ]
        for alert_id in gone:
            del self.alerts[alert_id]
            self._masks.pop(alert_id, None)

    def false_alarms(self, now: int) -> int:
        """Alerts of the last seven days that people called false."""
        return sum(one.label == "false_alarm" and one.raised_at > now - WEEK_MS for one in self.alerts.values())

    def treatment(
        self, bucket: int, nodes: Nodes, calendar: Calendar, events: Mapping[str, EventBody]
    ) -> Treatment | None:
        """How the nodes are to learn a bucket; None: all of them by themselves."""
        held = np.zeros(len(nodes), bool)
        for event in events.values():
            if declared.lasts(event, calendar, bucket):
                held |= self._touched(event, nodes)
        accepted, moved = np.zeros(len(nodes), bool), dict[int, float]()
        for alert in self.alerts.values():
            if alert.label in HELD_BACK and alert.lasts(bucket):
                held |= self._related(alert, nodes)
            if alert.label == "new_normal" and alert.since <= bucket < alert.accepted_until:
                accepted[list(alert.accepted)] = True
                if bucket == alert.since:
                    moved |= alert.accepted
        if not (held.any() or accepted.any()):
            return None
        factors = np.array([moved[node] for node in sorted(moved)])
        return Treatment(
            np.flatnonzero(held & ~accepted), np.flatnonzero(accepted), np.array(sorted(moved), np.int64), factors
        )

    def follow(self) -> None:
        """Other trees are in force, or an event was told again."""
        self._masks.clear()

    def plain(self) -> list[dict[str, Any]]:
        """For a snapshot."""
        return [vars(alert) | {"accepted": list(alert.accepted.items())} for alert in self.alerts.values()]

    @classmethod
    def restored(cls, raw: Iterable[dict[str, Any]]) -> "Labels":
        """From a snapshot."""
        return cls({one["id"]: Remembered(**one | {"accepted": dict(one["accepted"])}) for one in raw})

    def _related(self, alert: Remembered, nodes: Nodes) -> NDArray[np.bool_]:
        def ask(node: int) -> bool:
            return alert.node != NOWHERE and nodes.related(alert.node, node)

        return self._mask(alert.id, nodes, ask)

    def _touched(self, event: EventBody, nodes: Nodes) -> NDArray[np.bool_]:
        def ask(node: int) -> bool:
            return declared.touches(event, nodes, node)

        return self._mask(f"event {event.event_id}", nodes, ask)

    def _mask(self, key: str, nodes: Nodes, ask: Any) -> NDArray[np.bool_]:
        known = self._masks.get(key, np.zeros(0, bool))
        if len(known) < len(nodes):
            more = np.array([ask(node) for node in range(len(known), len(nodes))], bool)
            known = self._masks[key] = np.concatenate([known, more])
        return known
