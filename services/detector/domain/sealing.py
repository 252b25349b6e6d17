"""An hour for good: learned from, kept for three days, told leaf by leaf; and loaded history, learned in order."""

from collections.abc import Iterable, Iterator

from schemas.output import LeafCount, SealedHour
from services.detector.domain.alerts import Episode
from services.detector.domain.drivers import carry_parts
from services.detector.domain.history import Past
from services.detector.domain.intake import Intake
from services.detector.domain.memory import Cells
from services.detector.domain.past_hours import PastHour
from services.detector.domain.scoring import Scoring
from services.detector.domain.treatment import Treatment


def seal(
    scoring: Scoring,
    bucket: int,
    *,
    born: int,
    feeds: list[tuple[str, str]],
    code: str,
    treatment: Treatment | None = None,
) -> SealedHour:
    """Learn from the oldest bucket that is not sealed and take it out of the ledger.

    The hour that a home area was born in is kept but not learned, being only a part; hours before it are known from
    history only.
    """
    counts, nodes = scoring.ledger.counts(bucket, len(scoring.nodes)), scoring.nodes
    if bucket > born:
        cells = scoring.ledger.hours[bucket].cells if bucket in scoring.ledger.hours else {}
        rows = [(nodes.above(leaf), feeds[feed][0], calls) for (leaf, feed), calls in cells.items()]
        told = scoring.exposure.told(rows, len(nodes))
        scoring.past.append(scoring.learn(bucket, counts, told, cells=dict(cells), treatment=treatment))
    elif bucket == born:
        scoring.past.append(scoring.kept(bucket, counts))
    scoring.exposure.forget(bucket)
    return told_hour(scoring, bucket, scoring.ledger.seal(bucket).cells, feeds, code)


def carry(scoring: Scoring, episodes: Iterable[Episode]) -> None:
    """Before an hour is kept: what it pushes out of memory stays in the sums of its alerts and of their parts."""
    past = scoring.past
    if len(past) < (past.maxlen or 0):
        return
    gone = past[0]
    for episode in episodes:
        if gone.bucket >= episode.since and episode.node < len(gone.observed):
            episode.carried = _plus(episode.carried, gone, episode.node)
            carry_parts(episode, scoring.nodes, gone)


def learn_history(scoring: Scoring, intake: Intake, past: Past, born: int) -> Iterator[PastHour]:
    """Forget what was learned, learn all loaded hours in order and give each out; then score what has come since."""
    calendar = scoring.calendar
    scoring.unlearn()
    intake.usual_sources.clear()
    intake.evidence.usual_lines.clear()
    for start, cells in past.hours(calendar.start_ms(born)).items():
        for source, (need, _, line, calls) in cells:
            intake.tells_of(need, source, line, calls)
        leaves = [(intake.history_leaf(need, area), source, calls) for source, (need, area, _, calls) in cells]
        intake.grow()
        rows = [(scoring.nodes.above(leaf), source, calls) for leaf, source, calls in leaves]
        told = scoring.exposure.told(rows, len(scoring.nodes))
        bucket = calendar.bucket(start)
        scoring.past.append(scoring.learn(bucket, told.sum(axis=1), told))
        scoring.exposure.forget(bucket)
        yield scoring.past[-1]
    scoring.recompute()


def _plus(carried: tuple[float, float, float], gone: PastHour, node: int) -> tuple[float, float, float]:
    observed, expected, variance = carried
    return (
        observed + float(gone.observed[node]),
        expected + float(gone.expected[node]),
        variance + float(gone.variance[node]),
    )


def told_hour(
    scoring: Scoring, bucket: int, cells: Cells, feeds: list[tuple[str, str]], code: str, *, corrected: bool = False
) -> SealedHour:
    """What a sealed hour held, as it is told."""
    leaves = scoring.nodes.leaves
    rows = (LeafCount(*leaves[leaf], *feeds[feed], calls) for (leaf, feed), calls in cells.items())
    counts = tuple(sorted(rows, key=lambda row: (row.need, row.area, row.source, row.line)))
    return SealedHour(1, code, scoring.calendar.start_ms(bucket), counts, corrected)
