"""Which feeds were silent when: what a chart's counts lack."""

from collections.abc import Iterator

import pytest

from services.api.database import Database
from services.api.read_series import Span
from services.api.read_silences import feed_silences
from services.api.scope import ALL, Scope
from tests.api_parts import HOUR, NOW, Tape, alert, iso, prepared


def z(ms: int) -> str:
    return iso(ms).isoformat().replace("+00:00", "Z")


def silence(name: str, feed: str | None, start: int, end: int | None = None, **more: object) -> bytes:
    """An alert that a feed is silent: its last call, noticed an hour later, and when it came back."""
    said = start + HOUR if end is None else end
    return alert(
        name,
        1,
        kind="silence",
        need=None,
        source=feed,
        status="rising" if end is None else "ended",
        started_at=z(start),
        raised_at=z(start + HOUR),
        updated_at=z(said),
        ended_at=None if end is None else z(end),
        **more,
    )


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = prepared(f"sqlite:///{tmp_path_factory.mktemp('silences') / 'api.sqlite'}")
    Tape(made).alerts(
        silence("s1", "chat", NOW - 30 * HOUR, NOW - 20 * HOUR),
        silence("s2", "crm", NOW - 6 * HOUR),
        silence("s3", "crm", NOW - 90 * HOUR, NOW - 80 * HOUR),
        silence("s4", "coast-crm", NOW - 6 * HOUR, home_area="coast", area="coast"),
        silence("s5", None, NOW - 6 * HOUR),
        alert("a1", 1, raised_at=z(NOW - 3 * HOUR)),
    )
    yield made
    made.close()


def told(database: Database, span: Span, scope: Scope = ALL) -> list[tuple[str | None, str, str | None]]:
    with database.reading() as connection:
        found = feed_silences(connection, scope, "metro", span)
    return [
        (
            one.source,
            one.started_at.isoformat()[11:13],
            None if one.ended_at is None else one.ended_at.isoformat()[11:13],
        )
        for one in found
    ]


def hour(ms: int) -> str:
    return z(ms)[11:13]


def test_silences_that_touch_the_span_are_told_the_earliest_first(database: Database) -> None:
    over = ("chat", hour(NOW - 30 * HOUR), hour(NOW - 20 * HOUR))
    running = ("crm", hour(NOW - 6 * HOUR), None)
    assert told(database, Span(NOW - 48 * HOUR, NOW)) == [over, running]
    assert told(database, Span(NOW - 10 * HOUR, NOW)) == [running]
    assert told(database, Span(NOW - 60 * HOUR, NOW - 40 * HOUR)) == []


def test_a_silence_is_told_as_it_was_known_at_a_moment(database: Database) -> None:
    span = Span(NOW - 48 * HOUR, NOW, NOW - 25 * HOUR)
    assert told(database, span) == [("chat", hour(NOW - 30 * HOUR), None)]


def test_a_feed_outside_the_scope_is_not_named(database: Database) -> None:
    assert told(database, Span(NOW - 48 * HOUR, NOW), Scope(sources=frozenset({"chat"}))) == [
        ("chat", hour(NOW - 30 * HOUR), hour(NOW - 20 * HOUR))
    ]
