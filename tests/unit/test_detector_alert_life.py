"""The life of an alert through the fold: raised, told again, moved, easing, ended, and not raised twice."""

from itertools import pairwise

import msgspec
import pytest

from schemas.alert import Alert
from schemas.reference import Need
from services.detector.domain.alerts import DWELL_MS, Episode, Told, is_news, level_of, next_state
from services.detector.domain.rarity import budget_needed
from services.detector.domain.watch import END_NATS
from tests.detector_world import (
    CONFIG,
    HOUR,
    MINUTE,
    REFERENCE,
    SECOND,
    USUAL,
    WARM,
    World,
    alerts,
    configured,
    rejections,
    warm,
)

SURGE = WARM + 8 * MINUTE
ORDER = ("minor", "moderate", "severe", "extreme")


def ids(told: list[Alert]) -> set[str]:
    return {alert.id for alert in told}


def test_twelve_calls_where_one_is_usual_raise_one_alert_at_their_node() -> None:
    world = warm()
    told = alerts(world.burst(12, at=SURGE) + world.tick(SURGE + MINUTE))
    assert len(ids(told)) == 1
    assert [alert.version for alert in told] == list(range(1, len(told) + 1))
    assert (told[-1].need, told[-1].area, told[-1].status) == ("BD-1", "tx-1a", "rising")
    assert (told[-1].kind, told[-1].mode, told[-1].home_area) == ("surge", "live", "tx")


def test_a_usual_day_raises_nothing() -> None:
    world = warm()
    assert alerts(world.usual(WARM + 26 * HOUR)) == []
    assert world.home().watch.episodes == []


def test_a_home_area_that_is_warming_up_raises_nothing() -> None:
    world = configured()
    said = world.burst(60, at=WARM) + world.tick(WARM + 3 * HOUR)
    assert alerts(said) == []


def test_a_surge_is_seen_at_the_next_grid_point_after_the_call_that_tips_the_balance() -> None:
    world = warm()
    first = alerts(world.burst(12, at=SURGE) + world.tick(SURGE + MINUTE))[0]
    before = first.raised_at.timestamp() * 1000
    assert before % CONFIG.grid_ms == 0
    assert 0 < (before - SURGE) % SECOND <= CONFIG.grid_ms


def test_a_new_surge_is_rising_even_after_quiet_hours() -> None:
    world = warm()
    quiet = world.now + 4 * HOUR
    world.usual(quiet, [place for place in USUAL if place != ("BD-1", "tx-1a")])
    told = alerts(world.burst(8, at=quiet + 5 * MINUTE) + world.tick(quiet + 6 * MINUTE))
    assert told[0].status == "rising"
    assert {alert.status for alert in told} == {"rising"}


def test_versions_come_at_once_when_words_change_and_otherwise_after_five_seconds_and_five_percent() -> None:
    world = warm()
    told = alerts(world.burst(40, at=SURGE) + world.tick(SURGE + MINUTE))
    assert len(told) > 4
    for old, new in pairwise(told):
        if (old.status, old.severity, old.need, old.area) == (new.status, new.severity, new.need, new.area):
            assert (new.updated_at - old.updated_at).total_seconds() >= 5
            assert abs(new.observed - old.observed) >= max(1, 0.05 * old.observed)


def test_severity_never_falls_while_it_rises() -> None:
    world = warm()
    said = world.burst(40, at=SURGE) + world.usual(SURGE + 4 * HOUR)
    rising = [ORDER.index(alert.severity) for alert in alerts(said) if alert.status == "rising"]
    assert rising == sorted(rising)
    assert rising[-1] >= ORDER.index("severe")


@pytest.mark.parametrize("seal_hours", [2, 6, 24])
def test_a_surge_eases_ends_after_its_dwell_and_is_not_raised_again(seal_hours: int) -> None:
    world = warm(msgspec.structs.replace(CONFIG, seal_hours=seal_hours))
    told = alerts(world.burst(30, at=SURGE) + world.usual(WARM + (20 + seal_hours) * HOUR))
    assert len(ids(told)) == 1
    statuses = [alert.status for alert in told]
    easing = statuses.index("easing")
    assert set(statuses[:easing]) == {"rising"}
    assert set(statuses[easing:-1]) == {"easing"}
    assert statuses[-1] == "ended"
    assert told[-1].ended_at == told[-1].updated_at
    assert (told[-1].updated_at - told[easing].updated_at).total_seconds() * 1000 >= DWELL_MS
    assert world.home().watch.episodes == []


def test_what_an_ended_surge_held_does_not_come_back_when_its_hours_are_sealed_later() -> None:
    world = warm(msgspec.structs.replace(CONFIG, seal_hours=24))
    ended = alerts(world.burst(30, at=SURGE) + world.usual(WARM + 20 * HOUR))[-1]
    assert ended.status == "ended"
    world.usual(WARM + 35 * HOUR)
    scoring = world.home().scoring
    node = scoring.nodes.find(ended.need or "", ended.area)
    assert scoring.closed.up[node].max() < END_NATS


def test_counts_since_the_onset_never_go_back_while_hours_are_sealed() -> None:
    world = warm()
    told = alerts(world.burst(30, at=SURGE) + world.usual(WARM + 20 * HOUR))
    same_node = [alert for alert in told if (alert.need, alert.area) == (told[-1].need, told[-1].area)]
    assert all(new.observed >= old.observed for old, new in pairwise(same_node))
    assert told[-1].observed >= 30


def test_a_second_surge_after_the_end_is_an_alert_of_its_own() -> None:
    world = warm()
    first = alerts(world.burst(30, at=SURGE) + world.usual(WARM + 16 * HOUR))
    second = alerts(world.burst(30, at=world.now + 10 * MINUTE) + world.tick(world.now + 15 * MINUTE))
    assert len(ids(second)) == 1
    assert not ids(second) & ids(first)


def test_two_unrelated_surges_are_two_alerts() -> None:
    world = warm()
    said = world.burst(15, "BD-1", "tx-1a", at=SURGE) + world.burst(15, "BH", "tx-2", at=SURGE + MINUTE)
    newest = {alert.id: alert for alert in alerts(said + world.tick(SURGE + 3 * MINUTE))}
    assert sorted(alert.need for alert in newest.values()) == ["BD-1", "BH"]
    assert {alert.status for alert in newest.values()} == {"rising"}


def test_a_rise_that_is_wider_than_its_node_moves_the_alert_up() -> None:
    world = warm()
    said = world.burst(12, "BD-1", "tx-1a", at=SURGE)
    said += world.burst(14, "BD-1", "tx-1b", at=SURGE + MINUTE)
    said += world.burst(14, "BD-1", "tx-2", at=SURGE + 2 * MINUTE)
    told = alerts(said + world.tick(SURGE + 10 * MINUTE))
    going = [alert for alert in told if alert.id == told[0].id]
    assert (going[0].need, going[0].area) == ("BD-1", "tx-1a")
    assert (going[-1].need, going[-1].area) == ("BD-1", "tx")
    assert {driver.area for driver in going[-1].drivers} >= {"tx-1a", "tx-1b", "tx-2"}
    assert world.home().watch.attentive
    assert len(world.home().watch.episodes) == 1


def test_a_person_ends_an_alert_and_its_subtree_stays_quiet_while_the_rise_lasts() -> None:
    world = warm()
    alert = alerts(world.burst(15, at=SURGE) + world.tick(SURGE + MINUTE))[-1]
    world.control("e1", "end", {"alert_id": alert.id}, effective_at=world.now, home_area="tx")
    last = alerts(world.tick(world.now + SECOND))
    assert [(one.id, one.status, one.ended_by) for one in last] == [(alert.id, "ended", "ana")]
    assert "usual range" not in last[0].explanation.en
    assert alerts(world.burst(15, at=SURGE + 2 * MINUTE) + world.tick(SURGE + 4 * MINUTE)) == []


def test_after_a_person_ended_it_and_calm_came_a_new_surge_is_raised() -> None:
    world = warm()
    alert = alerts(world.burst(7, at=SURGE) + world.tick(SURGE + MINUTE))[-1]
    world.control("e1", "end", {"alert_id": alert.id}, effective_at=world.now, home_area="tx")
    world.usual(WARM + 30 * HOUR)
    assert world.home().watch.blocked == []
    again = alerts(world.burst(15, at=world.now + 10 * MINUTE) + world.tick(world.now + 15 * MINUTE))
    assert len(ids(again)) == 1
    assert alert.id not in ids(again)


def test_ending_an_unknown_alert_changes_nothing() -> None:
    world = warm()
    before = world.home().changed_at
    assert world.control("e1", "end", {"alert_id": "nothing"}, effective_at=0, home_area="tx") == []
    refused = rejections(world.control("e2", "end", {}, effective_at=0))
    assert [(one.reason, one.field) for one in refused] == [("bad_end", "body")]
    assert world.home().changed_at == before


def with_budget(per_week: float) -> World:
    """A warm world with another budget."""
    return warm(msgspec.structs.replace(CONFIG, budget_per_week=per_week))


def seven_calls_need() -> float:
    """Budget at which seven calls within a moment would just be raised."""
    world = warm()
    told = alerts(world.burst(7, at=SURGE, every=10) + world.tick(SURGE + SECOND))
    return told[-1].budget_needed


def test_what_the_budget_holds_back_is_followed_and_counted() -> None:
    world = with_budget(seven_calls_need() / 2)
    said = world.burst(7, at=SURGE, every=10) + world.tick(SURGE + SECOND)
    assert alerts(said) == []
    assert world.home().watch.account(world.now) == (0, 1)
    assert len(world.home().watch.episodes) == 1


def test_a_larger_budget_raises_what_was_held_back_from_its_time_on() -> None:
    small, at = seven_calls_need() / 2, SURGE + 2 * SECOND
    world = with_budget(small)
    said = world.burst(7, at=SURGE, every=10)
    said += world.control("b1", "budget", {"per_week": 100.0}, effective_at=at, home_area="tx")
    assert alerts(said + world.tick(at - 1)) == []
    assert world.home().watch.budget_per_week == small
    told = alerts(world.tick(at) + world.one("BD-1", "tx-1a", at=at + SECOND) + world.tick(at + 2 * SECOND))
    assert world.home().watch.budget_per_week == 100.0
    assert len(ids(told)) == 1
    assert told[0].raised_at.timestamp() * 1000 >= at
    assert world.home().watch.account(world.now)[0] == 1


@pytest.mark.parametrize("body", [{}, {"per_week": 0}, {"per_week": "3"}, {"per_week": 1001}, {"per_week": None}])
def test_a_budget_that_is_no_number_in_range_is_refused_and_changes_nothing(body: dict[str, object]) -> None:
    world = warm()
    said = world.control("b1", "budget", body, effective_at=world.now, home_area="tx")
    assert [one.reason for one in rejections(said)] == ["bad_budget"]
    assert world.home().watch.budget_per_week == CONFIG.budget_per_week


def test_fewer_than_five_calls_above_normal_wake_nobody() -> None:
    world = warm()
    assert alerts(world.burst(5, at=SURGE, every=10) + world.tick(SURGE + SECOND)) == []
    said = world.burst(2, at=SURGE + 2 * SECOND, every=10)
    assert len(ids(alerts(said + world.tick(SURGE + 3 * SECOND)))) == 1


def test_chance_alerts_needed_is_at_most_the_budget_for_all_that_is_raised() -> None:
    world = warm()
    for alert in alerts(world.burst(20, at=SURGE) + world.tick(SURGE + MINUTE)):
        assert alert.budget_needed <= CONFIG.budget_per_week


def test_codes_that_come_later_do_not_make_an_alert_less_rare_than_it_was() -> None:
    world = warm()
    codes = tuple(Need(f"X{number}", "", f"X{number}", "x", "x") for number in range(40))
    world.references["more"] = msgspec.structs.replace(REFERENCE, needs=(*REFERENCE.needs, *codes))
    world.configure(msgspec.structs.replace(CONFIG, reference="more"), name="more")
    first = alerts(world.burst(20, at=SURGE) + world.tick(SURGE + MINUTE))[-1]
    watched = len(world.home().scoring.nodes)
    for code in codes:
        world.one(code.code, "tx-2", at=world.now + SECOND)
    world = world.restarted()
    later = alerts(world.burst(4, at=world.now + SECOND, every=MINUTE) + world.tick(world.now + 6 * MINUTE))
    assert len(world.home().scoring.nodes) >= watched + 40
    assert later[-1].id == first.id
    assert later[-1].budget_needed <= first.budget_needed
    assert later[-1].recurrence_days_home_area >= first.recurrence_days_home_area
    assert ORDER.index(later[-1].severity) >= ORDER.index(first.severity)


def test_the_peak_is_the_score_that_chance_brings_least_often_to_any_watched_node() -> None:
    episode = Episode(node=0, noticed_at=0, since=0, score=12.0, peak=12.0, watched=100)
    needed = budget_needed(12.0, 100)
    episode.rise_to(12.1, 5_000)
    assert (episode.peak, episode.watched) == (12.0, 100)
    episode.rise_to(11.0, 100)
    assert (episode.peak, episode.watched) == (12.0, 100)
    episode.rise_to(30.0, 5_000)
    assert (episode.peak, episode.watched) == (30.0, 5_000)
    assert budget_needed(episode.peak, episode.watched) < needed


def test_the_alert_carries_the_same_id_and_numbers_after_a_restart() -> None:
    one, other = warm(), warm()
    one.burst(6, at=SURGE)
    other.burst(6, at=SURGE)
    other = other.restarted()
    later = SURGE + 10 * SECOND
    assert alerts(one.burst(10, at=later)) == alerts(other.burst(10, at=later))


@pytest.mark.parametrize(
    ("status", "easing_at", "now", "z", "score", "then"),
    [
        ("rising", None, 0, 3.0, 20.0, "rising"),
        ("rising", None, 0, 2.0, 20.0, "rising"),
        ("rising", None, 0, 0.5, 20.0, "easing"),
        ("rising", None, 0, 2.0, 1.0, "easing"),
        ("easing", 0, DWELL_MS - 1, 0.5, 20.0, "easing"),
        ("easing", 0, DWELL_MS, 0.5, 20.0, "ended"),
        ("easing", 0, DWELL_MS, 2.0, 20.0, "easing"),
        ("easing", 0, DWELL_MS, 2.5, 1.0, "rising"),
    ],
)
def test_thresholds_for_easing_and_rising_again_stand_apart(
    status: str, easing_at: int | None, now: int, z: float, score: float, then: str
) -> None:
    episode = Episode(node=0, noticed_at=0, since=0, status=status, easing_at=easing_at)  # type: ignore[arg-type]
    assert next_state(episode, now, z, score, 3.0) == then


@pytest.mark.parametrize(
    ("after_ms", "observed", "severity", "node", "news"),
    [
        (5_000, 21, "minor", 0, True),
        (4_999, 40, "minor", 0, False),
        (5_000, 20, "minor", 0, False),
        (0, 20, "moderate", 0, True),
        (0, 20, "minor", 1, True),
        (HOUR + 59_000, 40, "minor", 0, False),
        (HOUR + 60_000, 40, "minor", 0, True),
    ],
)
def test_what_is_news(after_ms: int, observed: int, severity: str, node: int, news: bool) -> None:
    told_at = HOUR if after_ms >= HOUR else 0
    told = Told(told_at, 20, "rising", "minor", 0)
    episode = Episode(node=node, noticed_at=0, since=0, raised_at=1, told=told)
    assert is_news(episode, after_ms, observed, severity) is news


def test_five_percent_is_asked_of_large_counts() -> None:
    episode = Episode(node=0, noticed_at=0, since=0, raised_at=1, told=Told(0, 100, "rising", "minor", 0))
    assert not is_news(episode, 10_000, 104, "minor")
    assert is_news(episode, 10_000, 105, "minor")
    assert is_news(episode, 10_000, 95, "minor")


def test_severity_falls_again_once_it_eases() -> None:
    told = Told(0, 100, "rising", "severe", 0)
    rising = Episode(node=0, noticed_at=0, since=0, told=told)
    easing = Episode(node=0, noticed_at=0, since=0, told=told, status="easing")
    assert level_of(rising, 1.0, 5.0) == "severe"
    assert level_of(easing, 1.0, 5.0) == "minor"
