"""Which node explains a rise best: evidence of nodes and of their parts, and what another alert already explains."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import exp

import numpy as np
from numpy.typing import NDArray

from schemas.codes import CONTACTS
from services.detector.domain.alerts import RECENT_HOURS, Episode
from services.detector.domain.bank import TUNING
from services.detector.domain.calendar import WEEK_HOURS
from services.detector.domain.nodes import Nodes, Pair
from services.detector.domain.past_hours import Totals
from services.detector.domain.patches import Patches
from services.detector.domain.rarity import handicap
from services.detector.domain.scoring import Scoring

LEAST_EXCESS = 5.0
"""Calls above normal below which nobody is told, however rare they are."""
MOVE_NATS = 2.0
"""How much better another node must explain a rise before its alert moves there."""
LEAST_REST = 0.02
"""What is left of a node expects at least this share of it: parts have models of their own and may exceed the whole."""
TOGETHER_HOURS = 12
"""Onsets this close may be those of one surge."""
RARELY = 0.002
MOSTLY = 0.5
NEARLY_ALL = 0.8
"""A part is told of from the beginning when it holds this share of the calls above normal."""
LEFT_NATS = 3.0
"""Evidence in what an alert would leave behind by moving, from which on it stays."""


@dataclass(frozen=True)
class Hot:
    """A node that came within reach of the budget at one evaluation."""

    node: int
    score: float
    """What is held against the threshold."""
    evidence: float
    """Log-likelihood ratio since its own onset, which no cap cuts off."""
    z: float
    excess: float
    since: int
    parts: tuple[int, ...] = ()
    """Nodes whose sum rises, when it is only a patch of the node."""

    def rank(self, nodes: Nodes) -> tuple[float, float, int, Pair]:
        """Sort key, best first: the strongest, and of equally strong ones the smallest node."""
        return -self.score, -round(self.z, 4), *nodes.narrowest_first(self.node)


Growth = tuple[list[Episode], Hot]
"""Alerts that become one, the first of which goes on, and where it is then."""


def evidence(totals: Totals) -> float:
    """Expectation-based log-likelihood ratio of a rise, tempered by overdispersion, in nats.

    Poisson ratio O ln(O / E) - (O - E), over the variance in units of the mean; 0 when there is no rise.

    >>> evidence(Totals(30.0, 10.0, 20.0)), evidence(Totals(9.0, 10.0, 10.0))
    (6.4792, 0.0)
    """
    expected = max(totals.expected, 1e-3)
    if totals.observed <= expected:
        return 0.0
    ratio = totals.observed * float(np.log(totals.observed / expected)) - (totals.observed - expected)
    return round(ratio / max(1.0, totals.variance / expected), 4)


def rise_totals(scoring: Scoring, node: int, parts: Sequence[int], since: int, share: float) -> Totals:
    """Sums of a rise since a bucket: those of its node, or of the patch of it that rises."""
    if not parts:
        return scoring.totals(node, since, share)
    sums = Totals()
    for part in parts:
        one = scoring.totals(part, since, share)
        sums.add(one.observed, one.expected, one.variance)
    return sums


def of_several_hours(scoring: Scoring, totals: Totals, parts: Sequence[int], since: int, share: float) -> float:
    """Evidence in nats of a rise of several nodes, to which its fullest hour adds no more than one hour may."""
    strength = evidence(totals)
    if strength <= TUNING.hour_most:
        return strength
    hours = _hours(scoring, np.array(parts, np.int64), since, share)
    fullest = max(hours, key=lambda hour: hour.excess, default=Totals())
    left = max(0.0, 1.0 - fullest.expected / max(totals.expected, 1e-9))
    rest = Totals(totals.observed - fullest.observed, totals.expected * left, totals.variance * left)
    return min(strength, round(evidence(rest) + TUNING.hour_most, 4))


def _hours(scoring: Scoring, nodes: NDArray[np.int64], since: int, share: float) -> Iterator[Totals]:
    """Sums of some nodes together in each hour from a bucket on; the open one only where a part of it has passed."""
    for hour in scoring.past:
        if hour.bucket >= since:
            known = nodes[(nodes < len(hour.observed)) & (scoring.fresh_from[nodes] <= hour.bucket)]
            yield Totals(float(hour.observed[known].sum()), float(hour.expected[known].sum()))
    for bucket in range(max(since, scoring.ledger.sealed_until), scoring.open_bucket + (share > 0.0)):
        fresh = nodes[scoring.fresh_from[nodes] <= bucket]
        observed, expected, _ = scoring.hours_of(fresh, bucket, share)
        yield Totals(float(observed.sum()), float(expected.sum()))


def worth(scoring: Scoring, strength: float, nodes: Sequence[int]) -> float:
    """Evidence as rarity knows it: what busy nodes and the home area's own past bring by chance is taken off."""
    rows = np.array(nodes, np.int64)
    rate = scoring.bank.level(rows).sum(keepdims=True)
    past = float(scoring.taken_off(rows).min())
    return round(min(strength, TUNING.cap_nats) - float(handicap(rate)[0]) - past, 4)


@cache
def together_by_chance(budget_per_week: float) -> int:
    """Alerts whose onsets lie within half a day of each other that chance brings less than once in 500 half days.

    >>> together_by_chance(3.0), together_by_chance(50.0)
    (3, 11)
    """
    mean = budget_per_week * TOGETHER_HOURS / WEEK_HOURS
    below, term, number = 0.0, exp(-mean), 0
    while 1.0 - below > RARELY:
        below, number = below + term, number + 1
        term *= mean / number
    return max(3, number)


def without(scoring: Scoring, node: int, others: Iterable[int], since: int, share: float) -> Totals:
    """Sums of a node since a bucket, less what it shares with other nodes."""
    nodes = scoring.nodes
    shared = sorted({meet for other in others if (meet := nodes.meet(node, other)) is not None})
    if node in shared:
        return Totals()
    whole, rest = scoring.totals(node, since, share), scoring.totals(node, since, share)
    for one in shared:
        if not any(one != other and nodes.covers(other, one) for other in shared):
            part = scoring.totals(one, since, share)
            rest.add(-part.observed, -part.expected, 0.0)
    rest.expected = max(rest.expected, LEAST_REST * whole.expected)
    rest.variance = whole.variance * rest.expected / max(whole.expected, 1e-9)
    return rest


@dataclass(frozen=True)
class Sight:
    """What one evaluation sees: the nodes within reach of the budget, best first."""

    scoring: Scoring
    now: int
    share: float
    limit: float
    """Score that meets the budget: what one more alert costs."""
    reach: float
    """Score from which a rise is followed."""
    found: list[Hot]
    settled: bool
    """Whether an hour has just closed: alerts move only then."""
    patches: Patches

    def strongest(self, here: Hot, told: Sequence[Episode]) -> Hot:
        """Where a rise that is not told yet stands out most beside the alerts; its score is what they leave."""
        nodes = self.scoring.nodes
        others = [one for one in self.found if one.node != here.node and nodes.meet(one.node, here.node) is not None]
        left = [replace(one, score=self.unexplained(one, told)) for one in (here, *others)]
        return min(left, key=lambda one: one.rank(nodes))

    def better(self, here: Hot, told: Sequence[Episode]) -> Hot:
        """The node that explains the rise of an alert at `here` best, itself if none does clearly.

        It moves up where the evidence grows by more than what further alerts beside it would explain, and down where it
        leaves no rise behind; `told` are the other alerts.
        """
        nodes = self.scoring.nodes
        others = [one for one in self.found if one.node != here.node and nodes.meet(one.node, here.node) is not None]
        gains = [(self._gain(one, here, told), one) for one in others]
        gain, best = min(gains, key=lambda gain: (-gain[0], gain[1].rank(nodes)), default=(0.0, here))
        return self._tight(best, here) if gain >= MOVE_NATS else here

    def _tight(self, best: Hot, here: Hot | Episode) -> Hot:
        """The smallest node between the two that holds nearly all calls above normal of the wider one."""
        nodes = self.scoring.nodes
        between = [node for node in nodes.below(best.node) if nodes.covers(node, here.node) and node != here.node]
        if best.parts or not between:
            return best
        whole = self.scoring.totals(best.node, here.since, self.share).excess
        node = self._smallest(between, whole, here.since)
        return best if node is None else replace(best, node=node)

    def _gain(self, one: Hot, here: Hot, told: Sequence[Episode]) -> float:
        """Evidence won by moving; up, less what alerts of their own would explain of the rest, at the cost of each."""
        nodes, beside = self.scoring.nodes, [here.node]
        taken = {episode.node for episode in told}
        if nodes.covers(here.node, one.node) and not here.parts:
            later = one.since > here.since + TOGETHER_HOURS
            if later or one.node in taken or self._leaves(here, one) >= LEFT_NATS:
                return 0.0
            return one.evidence - here.evidence
        if not nodes.covers(one.node, here.node):
            return 0.0
        wider = rise_totals(self.scoring, one.node, one.parts, here.since, self.share)
        if here.excess >= NEARLY_ALL * wider.excess:
            return 0.0
        gain = evidence(wider) - here.evidence
        for other in self.found:
            if gain < MOVE_NATS:
                break
            if nodes.covers(one.node, other.node) and all(nodes.meet(other.node, node) is None for node in beside):
                beside.append(other.node)
                gain -= max(0.0, other.evidence - (0.0 if other.node in taken else self.limit))
        return round(gain, 4)

    def _leaves(self, here: Hot, there: Hot) -> float:
        return evidence(without(self.scoring, here.node, [there.node], here.since, self.share))

    def unexplained(self, one: Hot, speaking: Iterable[Episode]) -> float:
        """Score of what no open alert speaks for."""
        nodes, score = self.scoring.nodes, one.score
        near = [
            episode for episode in speaking if any(nodes.meet(one.node, node) is not None for node in episode.nodes)
        ]
        inside = sorted({node for episode in near for node in episode.nodes if not nodes.covers(node, one.node)})
        if inside and score >= self.reach:
            rest = without(self.scoring, one.node, inside, one.since, self.share)
            left = worth(self.scoring, evidence(rest), [one.node])
            score = min(score, left) if rest.excess >= LEAST_EXCESS else 0.0
        for episode in near:
            if score >= self.reach and any(nodes.covers(node, one.node) for node in episode.nodes):
                score = min(score, self._anew(one, episode))
        return score if score >= self.reach else 0.0

    def _anew(self, one: Hot, episode: Episode) -> float:
        """Score of a rise in an alert's node that began after the alert was told, beyond what the alert explains."""
        told = episode.raised_bucket
        if told is None or one.node in episode.nodes or self.scoring.nodes.names[episode.node][0] == CONTACTS:
            return 0.0  # a wide disaster speaks for everything in it
        now = self.scoring.open_bucket
        begun = {max(one.since, since) for since in (now, now - RECENT_HOURS + 1, one.since)}
        begun = {since for since in begun if since > told and self._before(one, episode, since) < LEFT_NATS}
        return max((self._beyond(one.node, episode, since) for since in begun), default=0.0)

    def _before(self, one: Hot, episode: Episode, since: int) -> float:
        """Evidence that a node rose with the alert, before a bucket."""
        whole = self.scoring.totals(one.node, min(one.since, episode.since), self.share)
        late = self.scoring.totals(one.node, since, self.share)
        whole.add(-late.observed, -late.expected, -late.variance)
        return evidence(whole)

    def _beyond(self, node: int, episode: Episode, since: int) -> float:
        """Score of a node since a bucket, if it had risen as the rest of an alert has."""
        rest = Totals()
        for part in episode.parts:
            if part != node:
                sums = self.scoring.totals(part, since, self.share)
                rest.add(sums.observed, sums.expected, sums.variance)
        if not episode.parts:
            rest = without(self.scoring, episode.node, [node], since, self.share)
        rise = max(1.0, rest.observed / max(rest.expected, 1e-3))
        own = self.scoring.totals(node, since, self.share)
        beyond = evidence(Totals(own.observed, own.expected * rise, own.variance * rise))
        return worth(self.scoring, beyond, [node])

    def narrowest(self, episode: Episode) -> tuple[int, list[int]]:
        """Where a rise is told first: the smallest node that holds nearly all its calls above normal, and its parts."""
        whole = rise_totals(self.scoring, episode.node, episode.parts, episode.since, self.share).excess
        inside = self.scoring.nodes.below(episode.node)
        best = self._smallest(inside, whole, episode.since)
        return (episode.node, episode.parts) if best is None else (best, [])

    def _smallest(self, inside: list[int], whole: float, since: int) -> int | None:
        """The smallest of some nodes that hold nearly all of so many calls above normal."""
        nodes = np.array(inside, np.int64)
        observed, expected = self.scoring.totals_many(nodes, since, self.share)
        holding = nodes[np.round(observed - expected, 4) >= round(NEARLY_ALL * whole, 4)]
        return min((int(one) for one in holding), key=self.scoring.nodes.narrowest_first, default=None)

    def together(self, one: Episode, told: Iterable[Episode]) -> Growth | None:
        """The alert whose rise this is a further part of: same time, same need or same area; and where it is then.

        Calls of neighbouring needs or areas that rise within half a day of each other are one surge.
        """
        near = [episode for episode in told if abs(episode.since - one.since) <= TOGETHER_HOURS]
        for episode in sorted(near, key=lambda other: (abs(other.since - one.since), other.noticed_at)):
            parts = self._parts(episode, one)
            if parts:
                return [episode], self._tight(self._of_parts(parts, min(episode.since, one.since)), episode)
        return None

    def everything(
        self, one: Episode, told: Sequence[Episode], budget_per_week: float
    ) -> tuple[list[Episode], Hot] | None:
        """The alerts that are one wide disaster with a further rise, and all calls of the area that holds them.

        So many alerts within half a day of each other as the budget's chance alerts hardly ever bring, of needs that
        most calls are about: a heat wave's are told need by need, because "all calls" would say less.
        """
        near = [other for other in told if abs(other.since - one.since) <= TOGETHER_HOURS and other.status == "rising"]
        if len(near) + 1 < together_by_chance(budget_per_week):
            return None
        near.sort(key=lambda other: (other.raised_at or 0, other.noticed_at))
        nodes, parts = self.scoring.nodes, list[int]()
        for other in (*near, one):
            parts += [
                part for part in other.parts or [other.node] if all(nodes.meet(part, known) is None for known in parts)
            ]
        node, since = nodes.contacts_above(parts), min(other.since for other in (*near, one))
        if node is None or not self._most_calls(node, parts, since):
            return None
        totals = rise_totals(self.scoring, node, parts, since, self.share)
        strength = evidence(totals)
        score = worth(self.scoring, strength, parts)
        return near, Hot(node, score, strength, totals.z, totals.excess, since, tuple(sorted(parts)))

    def _most_calls(self, contacts: int, parts: Iterable[int], since: int) -> bool:
        """Whether the needs of some nodes usually make up most of the calls of an area."""
        nodes, area = self.scoring.nodes, self.scoring.nodes.names[contacts][1]
        needs = sorted({nodes.names[part][0] for part in parts})
        widest = [need for need in needs if not any(one != need and nodes.needs.covers(one, need) for one in needs)]
        rows = np.array([node for need in widest if (node := nodes.find(need, area)) is not None], np.int64)
        expected = self.scoring.totals_many(rows, since, self.share)[1].sum()
        return float(expected) >= MOSTLY * self.scoring.totals(contacts, since, self.share).expected

    def _parts(self, episode: Episode, one: Episode) -> tuple[int, ...]:
        """Nodes that make up both rises, none holding calls of another; empty when they do not belong together."""
        nodes = self.scoring.nodes
        if nodes.covers(one.node, episode.node):
            return (one.node,)
        narrow = [self._narrowed(here, there) for here, there in ((episode, one), (one, episode))]
        found = sorted({part for parts in narrow for part in parts})
        if any(nodes.meet(a, b) is not None for a in found for b in found if a < b):
            return ()
        far = all(self._far_apart(part, other) for part in narrow[0] for other in narrow[1])
        return () if far or nodes.above_all(found) is None else tuple(found)

    def _far_apart(self, one: int, other: int) -> bool:
        names = self.scoring.nodes.names
        return self.patches.far_apart(names[one][1], names[other][1])

    def _narrowed(self, one: Episode, other: Episode) -> list[int]:
        """The parts of a rise, in the need and area of another one if most of it is there."""
        nodes, totals = self.scoring.nodes, self.scoring.totals
        if one.parts:
            return one.parts
        part = nodes.towards(one.node, other.node)
        if part is None or part == one.node:
            return [one.node]
        most = totals(part, one.since, self.share).excess >= MOSTLY * totals(one.node, one.since, self.share).excess
        return [part] if most else [one.node]

    def _of_parts(self, parts: tuple[int, ...], since: int) -> Hot:
        """The rise of several nodes together, at the smallest node above them."""
        node = self.scoring.nodes.above_all(parts)
        assert node is not None
        several = parts if len(parts) > 1 else ()
        totals = rise_totals(self.scoring, node, several, since, self.share)
        strength = of_several_hours(self.scoring, totals, parts, since, self.share)
        return Hot(node, worth(self.scoring, strength, parts), strength, totals.z, totals.excess, since, several)
