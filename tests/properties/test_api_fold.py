"""Incidents by union-find, against the definition; and the fold against any schedule of deliveries."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.topics import ALERTS
from services.api.fold import Fold, OffsetMoved, Place, Stored
from services.api.incidents import HOURS_24_MS, Sight, gather
from services.api.tables import alert_versions, alerts, offsets
from tests.api_parts import alert, prepared

HOUR = 3_600_000

sights = st.lists(
    st.builds(
        lambda home, group, hour, status, severity: (home, group, hour, status, severity),
        st.sampled_from(["m", "c", "w"]),
        st.sampled_from([None, "BH", "BV", "BD"]),
        st.integers(0, 120),
        st.sampled_from(["rising", "easing", "ended"]),
        st.sampled_from(["minor", "moderate", "severe", "extreme"]),
    ),
    max_size=14,
).map(
    lambda rows: [
        Sight(f"a{index:02}", home, group, group, status, severity, hour * HOUR, hour * HOUR)
        for index, (home, group, hour, status, severity) in enumerate(rows)
    ]
)


def by_definition(found: list[Sight]) -> set[frozenset[str]]:
    """Join until nothing changes: every pair of the same home area or group raised within 24 h."""
    groups = [{one.id} for one in found]
    for one in found:
        for other in found:
            related = one.home_area == other.home_area or (one.group is not None and one.group == other.group)
            if related and abs(one.raised_at - other.raised_at) <= HOURS_24_MS:
                left = next(group for group in groups if one.id in group)
                right = next(group for group in groups if other.id in group)
                if left is not right:
                    groups.remove(right)
                    left |= right
    return {frozenset(group) for group in groups}


@given(sights)
def test_incidents_are_what_the_definition_says_whatever_the_order(found: list[Sight]) -> None:
    gathered = gather(found)
    assert {frozenset(one.id for one in incident.members) for incident in gathered} == by_definition(found)
    assert gather(list(reversed(found))) == gathered
    for incident in gathered:
        earliest = min(incident.members, key=lambda one: (one.raised_at, one.id))
        assert incident.id == earliest.id


versions = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 6)), min_size=1, max_size=20)
deliveries = st.lists(st.tuples(st.integers(0, 19), st.integers(1, 6)), max_size=12)


@settings(max_examples=25, deadline=None)
@given(versions, deliveries)
def test_any_schedule_of_redeliveries_gives_the_rows_of_one_quiet_run(
    log: list[tuple[str, int]], schedule: list[tuple[int, int]]
) -> None:
    """A schedule is (where a confused reader begins, how many records it hands over)."""
    records = [Stored(offset, alert(name, version)) for offset, (name, version) in enumerate(log)]
    place = Place(ALERTS, ALERTS.name, 0)
    with tempfile.TemporaryDirectory() as folder:
        quiet, noisy = (prepared(f"sqlite:///{Path(folder) / name}.sqlite") for name in ("quiet", "noisy"))
        for database in (quiet, noisy):
            Fold(database).begin(place, 0)
        Fold(quiet).apply(place, records, 0)
        for begin, count in (*schedule, (0, len(records))):
            batch = records[begin : begin + count]
            while batch:
                try:
                    Fold(noisy).apply(place, batch, batch[0].offset)
                    break
                except OffsetMoved as moved:
                    if moved.stored < batch[0].offset:
                        break
                    batch = [one for one in batch if one.offset >= moved.stored]
        rows = []
        for database in (quiet, noisy):
            with database.reading() as connection:
                newest = connection.execute(alerts.select().order_by(alerts.c.id)).mappings().all()
                rows.append(
                    (
                        [{name: row[name] for name in row if name != "feed_seq"} for row in newest],
                        sorted(map(tuple, connection.execute(alert_versions.select()))),
                        [tuple(row) for row in connection.execute(offsets.select())],
                    )
                )
            database.close()
        assert rows[0] == rows[1]
