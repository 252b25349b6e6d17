"""Rises that were followed and not raised, because they need a larger budget: a list that one can open."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.output import HeldBack
from services.detector.domain.alerts import Episode
from services.detector.domain.quiet import WEEK_MS, Key
from services.detector.domain.rarity import budget_needed
from services.detector.domain.scoring import Scoring

MOST = 50


@dataclass
class HeldBackList:
    """Candidates of the last seven days of one home area."""

    rows: dict[Key, HeldBack] = field(default_factory=dict)

    def follow(self, episodes: Iterable[Episode], scoring: Scoring, now: int, share: float, *, anew: bool) -> None:
        """Note the open candidates, forget those that were raised, close those that went away.

        `anew` counts again what is known already; otherwise only new ones are counted.
        """
        episodes = list(episodes)
        open_ = {(one.noticed_at, one.first_node): one for one in episodes if one.raised_at is None and one.open}
        raised = {(one.noticed_at, one.first_node) for one in episodes if one.raised_at is not None}
        kept = {key: row for key, row in self.rows.items() if key not in raised and row.noticed_at > now - WEEK_MS}
        for key, row in kept.items():
            if key not in open_ and row.ended_at is None:
                kept[key] = msgspec.structs.replace(row, ended_at=now)
        for key, episode in open_.items():
            if anew or key not in kept:
                kept[key] = _row(episode, scoring, share)
        self.rows = dict(sorted(kept.items())[-MOST:])

    def newest_first(self) -> tuple[HeldBack, ...]:
        """As told with the status."""
        return tuple(row for _, row in sorted(self.rows.items(), reverse=True))

    def plain(self) -> list[Any]:
        """For a snapshot."""
        return [[*key, msgspec.to_builtins(row)] for key, row in self.rows.items()]

    @classmethod
    def restored(cls, plain: list[Any]) -> "HeldBackList":
        """From a snapshot."""
        return cls({(at, node): msgspec.convert(row, HeldBack) for at, node, row in plain})


def _row(episode: Episode, scoring: Scoring, share: float) -> HeldBack:
    need, area = scoring.nodes.names[episode.node]
    totals = scoring.totals(episode.node, episode.since, share)
    totals.add(*episode.carried)
    return HeldBack(
        need=need,
        area=area,
        noticed_at=episode.noticed_at,
        since=scoring.calendar.start_ms(episode.since),
        observed=round(totals.observed),
        expected=round(float(totals.expected), 2),
        score=round(episode.score, 4),
        budget_needed=float(f"{budget_needed(episode.peak, episode.watched):.4g}"),
    )
