"""The watch over one home area: which rises are noticed, raised, moved, merged, easing and ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from schemas.codes import CONTACTS
from services.detector.domain.alerts import (
    CALM_SD,
    CANDIDATE_FACTOR,
    HOUR_MS,
    MERGED,
    Episode,
    episode_id,
    next_state,
)
from services.detector.domain.calm import recent
from services.detector.domain.choice import (
    LEAST_EXCESS,
    MOVE_NATS,
    Hot,
    Sight,
    evidence,
    of_several_hours,
    rise_totals,
    worth,
)
from services.detector.domain.past_hours import KEPT_HOURS
from services.detector.domain.patches import Patches
from services.detector.domain.rarity import threshold
from services.detector.domain.scan import scan
from services.detector.domain.scoring import Scoring

Beside = Literal["nothing", "alerts", "episodes"]
"""What is looked at although no call touched it: nothing, raised alerts, or candidates too."""

NO_PATCHES = Patches()
PATCH_SHARE = 0.4
"""Chance alarms that a patch may bring, to those of a node: there are more of them, and they overlap."""
WEEK_MS = 7 * 24 * HOUR_MS
END_NATS = 3.0


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
        self,
        scoring: Scoring,
        now: int,
        touched: NDArray[np.int64],
        share: float,
        *,
        beside: Beside,
        patches: Patches = NO_PATCHES,
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
        reach = threshold(self.budget_per_week * CANDIDATE_FACTOR, len(scoring.nodes))
        places = {int(node): i for i, node in enumerate(nodes)}

        def hot(node: int, parts: Sequence[int] = (), since: int | None = None) -> Hot:
            place = places[node]
            begun = self._since(scoring, node, int(scores.run[place, size[place]])) if since is None else since
            totals = rise_totals(scoring, node, parts, begun, share)
            strength = of_several_hours(scoring, totals, parts, begun, share) if parts else evidence(totals)
            score = worth(scoring, strength, parts) if parts else float(best[place])
            return Hot(node, score, strength, totals.z, totals.excess, begun, tuple(parts))

        raisable = scoring.nodes.raisable(int(node) for node in nodes[best >= reach])
        self._unblock(scoring, places, best)
        found = [hot(node) for node in raisable]
        if beside == "episodes":
            found += self._scan(scoring, patches, found)
        found.sort(key=lambda one: one.rank(scoring.nodes))
        followed = {
            episode.node: hot(episode.node, episode.parts, None if episode.raised_at is None else episode.since)
            for episode in self.episodes
            if episode.node in places
        }
        limit = threshold(self.budget_per_week, len(scoring.nodes))
        sight = Sight(scoring, now, share, limit, reach, found, settled=beside == "episodes", patches=patches)
        concerned = self._move(sight, followed)
        concerned += self._notice(sight)
        self._raise(sight, concerned)
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

    def _scan(self, scoring: Scoring, patches: Patches, found: list[Hot]) -> list[Hot]:
        """Patches of neighbouring areas that explain more than any node that shares calls with them."""
        size, nodes = len(scoring.nodes), scoring.nodes
        dearer = threshold(self.budget_per_week * PATCH_SHARE, size) - threshold(self.budget_per_week, size)
        reach = threshold(self.budget_per_week * CANDIDATE_FACTOR, size)
        needs = [need for need in nodes.need_names if need != CONTACTS]
        hot = scan(scoring, patches, needs, self.home_area, reach + dearer + scoring.correction)
        priced = (
            replace(one, score=round(worth(scoring, one.evidence, one.parts) - dearer, 4))
            for one in hot
            if all(
                one.evidence >= other.evidence + dearer + MOVE_NATS
                for other in found
                if any(nodes.meet(part, other.node) is not None for part in one.parts)
            )
        )
        return [one for one in priced if one.score >= reach]

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

    def _move(self, sight: Sight, followed: dict[int, Hot]) -> list[Episode]:
        """Each episode goes to the node that explains its rise best, and takes in what that node explains too.

        Returns the episodes that this evaluation concerns.
        """
        concerned = [episode for episode in self.episodes if episode.node in followed or not episode.open]
        for episode in concerned:
            if episode.node not in followed or not episode.open:
                continue
            here = followed[episode.node]
            others = [one for one in self.episodes if one is not episode and one.open and one.raised_at is not None]
            best = here
            if episode.raised_at is None:
                best = sight.strongest(here, others)
            elif episode.status == "rising" and sight.settled:
                best = sight.better(here, others)
            if best.node != here.node:
                self._go(episode, best)
                taken = [one for one in self.episodes if sight.scoring.nodes.covers(best.node, one.node)]
                for other in (one for one in taken if one is not episode and one.open and episode.open):
                    if episode.raised_at is None and other.raised_at is not None:
                        continue
                    self._merge(episode, other)
                    concerned += [] if other in concerned else [other]
            episode.score = best.score
            episode.rise_to(episode.score, len(sight.scoring.nodes))
        return concerned

    @staticmethod
    def _go(episode: Episode, best: Hot) -> None:
        if episode.raised_at is not None and episode.node not in episode.held:
            episode.held.append(episode.node)
        episode.node, episode.since, episode.carried = best.node, best.since, (0.0, 0.0, 0.0)
        episode.carried_parts = {}
        episode.parts = list(best.parts)

    @staticmethod
    def _merge(one: Episode, other: Episode) -> None:
        """Two rises that have become one: the alert that was told first goes on, where the first of the two is."""
        if other.raised_at is not None and (one.raised_at is None or other.raised_at < one.raised_at):
            Watch._go(other, Hot(one.node, one.score, 0.0, 0.0, 0.0, one.since, tuple(one.parts)))
            other.carried, other.carried_parts = one.carried, one.carried_parts
            one, other = other, one
        one.held += [node for node in other.nodes if node not in one.nodes] if other.raised_at is not None else []
        other.status, other.ended_by = "ended", MERGED
        one.score = max(one.score, other.score)
        one.rise_to(other.peak, other.watched)

    def _notice(self, sight: Sight) -> list[Episode]:
        """Rises that no open episode speaks for become episodes."""
        known, nodes = len(self.episodes), sight.scoring.nodes
        for one in sight.found:
            if any(nodes.overlap(node, one.node) for node in self.blocked):
                continue
            score = sight.unexplained(one, [episode for episode in self.episodes if episode.open])
            if score >= sight.reach:
                self.episodes.append(
                    Episode(
                        one.node,
                        sight.now,
                        one.since,
                        score=score,
                        peak=score,
                        watched=len(nodes),
                        parts=list(one.parts),
                    )
                )
                self.held_back_times.append(sight.now)
        return self.episodes[known:]

    def _raise(self, sight: Sight, concerned: list[Episode]) -> None:
        """Tell what meets the budget and is more than a handful of calls, unless an alert has grown by it."""
        for episode in [one for one in concerned if one.raised_at is None and one.open and one.score >= sight.limit]:
            totals = rise_totals(sight.scoring, episode.node, episode.parts, episode.since, sight.share)
            calm = totals.excess < LEAST_EXCESS or recent(sight.scoring, episode, sight.share).z <= CALM_SD
            if calm or not episode.open:
                continue
            if episode.noticed_at in self.held_back_times:
                self.held_back_times.remove(episode.noticed_at)
            if self._grow(sight, episode, concerned):
                continue
            episode.node, episode.parts = sight.narrowest(episode)
            need, area = sight.scoring.nodes.names[episode.node]
            episode.raised_at, episode.raised_bucket = sight.now, sight.scoring.open_bucket
            episode.id = episode_id(self.home_area, "surge", need, area, sight.now)
            self.raised_times.append(sight.now)

    def _grow(self, sight: Sight, episode: Episode, concerned: list[Episode]) -> bool:
        """Whether a rise that would be told makes an alert grow instead; many at once become one wide alert."""
        told = [one for one in self.episodes if one.open and one.raised_at is not None]
        grown = sight.together(episode, told) or sight.everything(episode, told, self.budget_per_week)
        if grown is None:
            return False
        (older, *others), best = grown
        self._go(older, best)
        older.score = best.score
        older.rise_to(best.score, len(sight.scoring.nodes))
        for other in others:
            self._merge(older, other)
        untold = [one for one in self.episodes if one.raised_at is None]
        for other in (one for one in untold if one is episode or sight.scoring.nodes.covers(best.node, one.node)):
            other.status, other.ended_by = "ended", MERGED
        concerned += [one for one in (older, *others) if one not in concerned]
        return True

    def _refresh(self, scoring: Scoring, episode: Episode, now: int, share: float) -> bool:
        """Bring the state up to date; true when it is raised, so that there may be news."""
        if episode.open:
            state = next_state(episode, now, recent(scoring, episode, share).z, episode.score, END_NATS)
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
        told = [ended.node] if ended.raised_at is None else ended.nodes
        nodes = scoring.nodes
        stale = [node for node in nodes.raisable(range(len(nodes))) if any(nodes.overlap(node, one) for one in told)]
        scoring.start_again([node for node in stale if node not in others], scoring.open_bucket)
