"""The watch over one home area: which rises are noticed, raised, moved, merged, easing and ended."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.alerts import (
    CANDIDATE_FACTOR,
    HOUR_MS,
    MERGED,
    MOVE_NATS,
    RECENT_HOURS,
    Episode,
    episode_id,
    next_state,
)
from services.detector.domain.bank import TUNING
from services.detector.domain.nodes import Nodes, Pair
from services.detector.domain.rarity import threshold
from services.detector.domain.scoring import KEPT_HOURS, Scoring

Beside = Literal["nothing", "alerts", "episodes"]
"""What is looked at although no call touched it: nothing, raised alerts, or candidates too."""

WEEK_MS = 7 * 24 * HOUR_MS
LEAST_EXCESS = 5.0
"""Calls above normal below which nobody is told, however rare they are."""
END_NATS = 3.0
LONGEST_RECENT_HOURS = 24
WIDER_BELOW, NARROWER_FROM = 0.6, 0.75
"""Shares of the calls above normal: an alert moves up when its node holds less, down when a part holds more."""


@dataclass(frozen=True)
class Hot:
    """A node that came within reach of the budget at one evaluation."""

    node: int
    score: float
    z: float
    excess: float
    since: int

    def rank(self, nodes: Nodes) -> tuple[float, float, int, Pair]:
        """Sort key, best first: the strongest, and of equally strong ones the smallest node."""
        return -self.score, -round(self.z, 4), *nodes.narrowest_first(self.node)

    def beats(self, other: "Hot") -> bool:
        """Whether it explains a rise clearly better than another node of the same rise."""
        capped = min(self.score, other.score) >= TUNING.cap_nats - 0.01
        return self.score >= other.score + MOVE_NATS or (capped and self.z >= other.z + MOVE_NATS)

    def holds_most_of(self, upper: "Hot", part: float) -> bool:
        """Whether at least `part` of the calls above normal of the node above it are its own."""
        return self.excess >= part * upper.excess


@dataclass
class Watch:
    """Open episodes and the account of the budget."""

    home_area: str
    budget_per_week: float
    episodes: list[Episode] = field(default_factory=list)
    blocked: list[int] = field(default_factory=list)
    """Nodes whose alert a person ended while the rise was still on."""
    raised_times: list[int] = field(default_factory=list)
    held_back_times: list[int] = field(default_factory=list)

    @property
    def attentive(self) -> bool:
        """Whether an alert is open, so that time alone can bring news; time raises no candidate."""
        return bool(self.blocked) or any(episode.raised_at is not None for episode in self.episodes)

    def update(
        self, scoring: Scoring, now: int, touched: NDArray[np.int64], share: float, *, beside: Beside
    ) -> list[Episode]:
        """One evaluation; returns the raised episodes that may have news, ended ones for the last time.

        Looks at the nodes that were touched, and beside them at the open episodes that are asked for: without calls,
        time lowers every score. While the home area is warming up nothing is unusual yet.
        """
        if not scoring.bank.careful:
            return []
        nodes = touched if beside == "nothing" else np.unique(np.concatenate([touched, self._followed(beside)]))
        scores = scoring.open_scores(nodes, share)
        best, size = scores.best(), scores.up.argmax(axis=1)
        limit = threshold(self.budget_per_week * CANDIDATE_FACTOR, len(scoring.nodes))
        places = {int(node): i for i, node in enumerate(nodes)}

        def hot(node: int) -> Hot:
            place = places[node]
            since = self._since(scoring, node, int(scores.run[place, size[place]]))
            totals = scoring.totals(node, since, share)
            return Hot(node, float(best[place]), totals.z, totals.excess, since)

        raisable = scoring.nodes.raisable(int(node) for node in nodes[best >= limit])
        self._unblock(scoring, places, best)
        found = sorted(
            map(hot, raisable), key=lambda one: (-one.score, -one.z, *scoring.nodes.narrowest_first(one.node))
        )
        followed = {episode.node: hot(episode.node) for episode in self.episodes if episode.node in places}
        concerned = self._move(scoring, found, followed)
        concerned += self._notice(scoring, now, found)
        self._raise(scoring, now, share, concerned)
        told = [episode for episode in concerned if self._refresh(scoring, episode, now, share)]
        self.episodes = [episode for episode in self.episodes if episode.open]
        return told

    def end(self, alert_id: str, by: str, now: int) -> bool:
        """A person ends an alert; its subtree stays quiet until the score was below the end threshold."""
        for episode in self.episodes:
            if episode.id == alert_id:
                episode.status, episode.ended_at, episode.ended_by = "ended", now, by
                self.blocked.append(episode.node)
                return True
        return False

    def account(self, now: int) -> tuple[int, int]:
        """How many were raised, and how many held back, in the last seven days."""
        self.raised_times = [time for time in self.raised_times if time > now - WEEK_MS]
        self.held_back_times = [time for time in self.held_back_times if time > now - WEEK_MS]
        return len(self.raised_times), len(self.held_back_times)

    def _followed(self, beside: Beside) -> NDArray[np.int64]:
        open_ = (one.node for one in self.episodes if beside == "episodes" or one.raised_at is not None)
        return np.array([*open_, *self.blocked], np.int64)

    @staticmethod
    def _since(scoring: Scoring, node: int, run: int) -> int:
        return max(run, int(scoring.fresh_from[node]), scoring.open_bucket - KEPT_HOURS + 1)

    def _unblock(self, scoring: Scoring, places: dict[int, int], best: NDArray[np.float64]) -> None:
        calm = [node for node in self.blocked if node in places and best[places[node]] < END_NATS]
        for node in calm:
            self.blocked.remove(node)

    def _move(self, scoring: Scoring, found: Iterable[Hot], followed: dict[int, Hot]) -> list[Episode]:
        """Each episode goes to the node that explains its rise best; two that meet become the older one.

        Returns the episodes that this evaluation concerns.
        """
        found = list(found)
        concerned = [episode for episode in self.episodes if episode.node in followed or not episode.open]
        for episode in (one for one in concerned if one.node in followed):
            here = followed[episode.node]
            better = (one for one in found if self._explains_better(scoring, one, here, episode.wide))
            best = next(better, here)
            if episode.status == "rising" and best is not here:
                episode.node, episode.since, here = best.node, best.since, best
                episode.carried = (0.0, 0.0, 0.0)
            episode.score = here.score
            episode.peak = max(episode.peak, here.score)
        for index, episode in enumerate(self.episodes):
            for older in self.episodes[:index]:
                if episode.open and older.open and scoring.nodes.related(older.node, episode.node):
                    self._merge(scoring, older, episode)
                    concerned += [one for one in (older, episode) if one not in concerned]
        return concerned

    @staticmethod
    def _merge(scoring: Scoring, older: Episode, younger: Episode) -> None:
        """The older one goes to the node above both, and stays as wide as that."""
        younger.status, younger.ended_by = "ended", MERGED
        joint = scoring.nodes.joint(older.node, younger.node)
        if joint != older.node:
            older.node, older.since = joint, min(older.since, younger.since)
            older.carried = (0.0, 0.0, 0.0)
        older.wide = True
        older.score = max(older.score, younger.score)
        older.peak = max(older.peak, younger.peak)

    @staticmethod
    def _explains_better(scoring: Scoring, one: Hot, here: Hot, wide: bool) -> bool:
        """Up when the rise is wider than the node, down when a part holds nearly all of it."""
        if one.node == here.node or not one.beats(here):
            return False
        if scoring.nodes.covers(one.node, here.node):
            return not here.holds_most_of(one, WIDER_BELOW)
        return not wide and scoring.nodes.covers(here.node, one.node) and one.holds_most_of(here, NARROWER_FROM)

    def _notice(self, scoring: Scoring, now: int, found: Iterable[Hot]) -> list[Episode]:
        """Rises that no open episode speaks for become episodes."""
        known = len(self.episodes)
        for one in found:
            taken = [episode.node for episode in self.episodes] + self.blocked
            if not any(scoring.nodes.related(node, one.node) for node in taken):
                self.episodes.append(Episode(one.node, now, one.since, score=one.score, peak=one.score))
                self.held_back_times.append(now)
        return self.episodes[known:]

    def _raise(self, scoring: Scoring, now: int, share: float, concerned: Iterable[Episode]) -> None:
        """Tell what meets the budget and is more than a handful of calls."""
        limit = threshold(self.budget_per_week, len(scoring.nodes))
        for episode in concerned:
            if episode.raised_at is not None or not episode.open or episode.score < limit:
                continue
            if scoring.totals(episode.node, episode.since, share).excess >= LEAST_EXCESS:
                need, area = scoring.nodes.names[episode.node]
                episode.raised_at = now
                episode.id = episode_id(self.home_area, "surge", need, area, now)
                self.raised_times.append(now)
                if episode.noticed_at in self.held_back_times:
                    self.held_back_times.remove(episode.noticed_at)

    def _refresh(self, scoring: Scoring, episode: Episode, now: int, share: float) -> bool:
        """Bring the state up to date; true when it is raised, so that there may be news."""
        if episode.open:
            lasted = scoring.open_bucket - episode.since
            window = min(max(RECENT_HOURS, lasted // 2), LONGEST_RECENT_HOURS)
            recent = scoring.totals(episode.node, max(episode.since, scoring.open_bucket - window), share)
            state = next_state(episode, now, recent.z, episode.score, END_NATS)
            if state == "easing" and episode.status == "rising":
                episode.easing_at = now
            episode.status = state
            if state == "ended":
                self._forget(scoring, episode)
        if not episode.open and episode.ended_at is None:
            episode.ended_at = now
        return episode.raised_at is not None

    def _forget(self, scoring: Scoring, ended: Episode) -> None:
        """What the rise left in the CUSUMs must not raise it again."""
        others = [episode.node for episode in self.episodes if episode is not ended and episode.open]
        stale = [node for node in range(len(scoring.nodes)) if scoring.nodes.related(node, ended.node)]
        scoring.start_again([node for node in stale if node not in others], scoring.open_bucket)
