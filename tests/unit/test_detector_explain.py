"""From numbers to words: three languages, numbers that add up, times of the area."""

import math
import re
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Alert, Words
from services.detector.domain import reasons, words
from services.detector.domain.because import _parts as because_parts
from services.detector.domain.explain import headline
from services.detector.domain.onset import Step, onset, smallest_rise
from tests.detector_world import HOUR, MINUTE, SECOND, START, WARM, alerts, warm

EVENING = START + 15 * HOUR
"""19:00 in Chicago."""
SURGE = WARM + 8 * MINUTE
NB = words.NO_BREAK
CDT = timezone(timedelta(hours=-5), "CDT")


@pytest.fixture(scope="module")
def life() -> list[Alert]:
    """All versions of one alert."""
    world = warm()
    world.usual(EVENING)
    return alerts(world.burst(30, at=EVENING + 5 * MINUTE) + world.usual(EVENING + 14 * HOUR))


@pytest.mark.parametrize(
    ("status", "en", "fr", "es"),
    [
        ("rising", "Rising: Meals, North", "En hausse : Repas, North", "En aumento: Comidas, North"),
        ("easing", "Easing: Meals, North", "Se calme : Repas, North", "Cediendo: Comidas, North"),
        ("ended", "Ended: Meals, North", "Terminé : Repas, North", "Terminado: Comidas, North"),
    ],
)
def test_headlines_name_state_need_and_area(status: str, en: str, fr: str, es: str) -> None:
    need, area = Words(en="Meals", fr="Repas", es="Comidas"), Words(en="North", fr="North", es="North")
    found = headline(status, need, area)  # type: ignore[arg-type]
    assert (found.en, found.fr.replace(NB, " "), found.es) == (en, fr, es)


def test_an_alert_speaks_of_its_state_in_every_language(life: list[Alert]) -> None:
    first, easing, last = life[0], next(one for one in life if one.status == "easing"), life[-1]
    assert first.need_name is not None
    assert first.headline.en == f"Rising: {first.need_name.en}, North Hill"
    assert first.headline.fr.replace(NB, " ") == f"En hausse : {first.need_name.fr}, North Hill"
    assert (first.need, first.need_name.fr) in (("BD-1", "Repas"), ("BD", "Nourriture"))
    assert "hardly any would be usual" in first.explanation.en or "would be usual" in first.explanation.en
    assert "appels depuis" in first.explanation.fr
    assert "llamadas desde las" in first.explanation.es
    assert "falling since" in easing.explanation.en
    assert "en baisse depuis" in easing.explanation.fr
    assert "baja desde las" in easing.explanation.es
    assert last.status == "ended"
    assert "Back in the usual range since" in last.explanation.en
    assert "Revenu à la normale depuis" in last.explanation.fr
    assert "Normal desde las" in last.explanation.es
    for alert in life:
        for text in (*alert.headline.model_dump().values(), *alert.explanation.model_dump().values()):
            assert "{" not in text
            assert "  " not in text
            assert text == text.strip()


def test_numbers_add_up(life: list[Alert]) -> None:
    for alert in life:
        assert alert.ratio == (round(alert.observed / alert.expected, 2) if alert.expected >= 0.01 else None)
        assert 0 <= alert.band_low <= alert.expected <= alert.band_high
        assert f"{alert.observed} call" in alert.explanation.en
        assert alert.recurrence_days >= alert.recurrence_days_home_area > 0
        assert sum(driver.observed > driver.expected for driver in alert.drivers) == len(alert.drivers)
        assert alert.started_at <= alert.raised_at <= alert.updated_at
    assert life[0].observed > life[0].band_high


def test_the_parts_of_what_was_expected_add_up_and_their_factors_multiply(life: list[Alert]) -> None:
    for alert in life:
        because = alert.because
        assert because is not None
        assert sum(round(100 * part.calls) for part in because.parts) == round(100 * alert.expected)
        product = math.prod(part.factor for part in because.parts)
        assert product == pytest.approx(alert.expected, rel=0.02, abs=0.02)
        assert because.parts[0].calls == pytest.approx(because.hours * because.per_hour, abs=0.02)
        assert because.onset.earliest <= because.onset.likely <= because.onset.latest <= alert.updated_at
        assert (because.ends is None) == (because.ends_words is None) == (alert.status == "ended")


@given(st.lists(st.floats(0.01, 20.0), min_size=3, max_size=3), st.floats(0.0, 1000.0))
def test_parts_sum_to_what_was_expected_to_the_hundredth(factors: list[float], expected: float) -> None:
    expected = round(expected, 2)
    named = dict(zip(("level", "hour_of_week", "calendar"), factors, strict=True))
    parts = because_parts({**named, "level_change": 1.0}, expected)  # type: ignore[dict-item]
    assert sum(round(100 * part.calls) for part in parts) == round(100 * expected)
    assert [part.name for part in parts][:2] == ["level", "hour_of_week"]


def test_where_hardly_any_call_is_usual_no_factor_is_told_and_none_is_nonsense() -> None:
    world = warm()
    told = alerts(world.burst(60, "BH", "tx-1a", at=SURGE) + world.usual(SURGE + 3 * HOUR))
    scarce = [one for one in told if one.need == "BH" and one.because is not None and one.expected < 0.05]
    assert scarce
    for alert in scarce:
        assert alert.because is not None
        assert alert.because.expected_words.en == "Usual since it began: hardly any calls."
        assert alert.because.expected_words.fr.endswith("presque aucun appel.")
        assert alert.because.expected_words.es.endswith("casi ninguna llamada.")
        product = math.prod(part.factor for part in alert.because.parts)
        assert product == pytest.approx(alert.expected, abs=0.006)
        assert all(0.3 < part.factor < 3.0 for part in alert.because.parts[1:])


def test_a_few_hundredths_of_a_call_are_not_a_level_that_has_moved() -> None:
    world = warm()
    at = START + 7 * HOUR + 4 * MINUTE + 20 * SECOND
    world.usual(at)
    first = alerts(world.burst(20, "BH", "tx-2", at=at, every=300) + world.tick(at + 2 * MINUTE))[0]
    assert first.because is not None
    assert 0.05 < first.expected < 0.1
    assert first.because.expected_words.en == (
        "Usual since it began: 0.06 calls. That is 1 an hour for 4 minutes,"
        " times 0.89 for the hour and the day of the week."
    )


@pytest.mark.parametrize("language", words.LANGUAGES)
@given(st.floats(0.05, 1e4), st.floats(1e-4, 1e3), st.floats(1e-3, 50.0))
def test_no_number_of_why_is_told_as_nothing(language: str, total: float, per_hour: float, factor: float) -> None:
    text = reasons.expected(total, per_hour, 3.0, {"calendar": factor}, language)
    assert not re.search(r"(?<![\d.,\xa0])0(?![.,]?\d)", text)


def test_why_is_said_in_three_languages_without_a_blank_left(life: list[Alert]) -> None:
    for alert in life:
        because = alert.because
        assert because is not None
        for words_of in (because.expected_words, because.onset_words, because.ends_words, because.limits_words):
            if words_of is None:
                continue
            texts = list(words_of.model_dump().values())
            assert len(set(texts)) == 3
            assert all("{" not in text and "  " not in text and text.endswith(".") for text in texts)
    easing = next(one for one in life if one.status == "easing").because
    assert easing is not None
    assert easing.ends_words is not None
    assert easing.ends_words.en.startswith("It ends at 05:00 CDT")


def test_the_hours_in_which_a_rise_may_have_begun_hold_the_hour_in_which_it_did() -> None:
    step = Step(sd=1.1, spread=0.1, clump=0.1, vif=1.0)
    expected = np.ones(30)
    sudden = np.where(np.arange(30) < 20, np.arange(30) % 3, 9.0)
    assert onset(sudden, expected, expected, step)[:2] == (20, 20)
    over = sudden.copy()
    over[26:] = 0.0
    assert onset(over, expected, expected, step)[1] == 20
    slow = np.where(np.arange(30) < 20, np.arange(30) % 3, 2.0 + np.arange(30) % 2)
    earliest, likely, latest = onset(slow, expected, expected, step)
    assert earliest <= 20 <= latest
    assert earliest <= likely <= latest
    assert latest > earliest


def test_a_rise_did_not_begin_after_it_was_told_however_it_grew_later() -> None:
    step = Step(sd=1.1, spread=0.1, clump=0.1, vif=1.0)
    expected = np.ones(30)
    growing = np.concatenate([np.arange(18) % 3, np.full(4, 3.0), np.full(8, 60.0)])
    assert onset(growing, expected, expected, step)[1] == 22
    assert onset(growing, expected, expected, step, no_later=19) == (18, 19, 19)


def test_what_the_model_learns_from_a_rise_does_not_move_its_beginning() -> None:
    world, begin = warm(), START + 12 * HOUR
    world.usual(begin - 6 * HOUR)
    said = world.one("BH", "tx-2", at=begin - 6 * HOUR + MINUTE) + world.usual(begin)
    for hour in range(6):
        for number in range(4):
            said += world.one("BH", "tx-2", at=begin + hour * HOUR + (7 + 11 * number) * MINUTE)
    told = [one for one in alerts(said + world.usual(begin + 24 * HOUR)) if one.kind == "surge"]
    onsets = {alert.because.onset for alert in told if alert.because is not None}
    assert told[-1].status == "ended"
    assert len(onsets) == 1, "all versions say the same"
    assert all(onset.earliest <= told[-1].started_at <= onset.latest for onset in onsets)


def test_a_rise_began_in_an_hour_not_at_its_first_minute() -> None:
    world = warm()
    said = world.burst(12, "BH", "tx-1a", at=SURGE) + world.tick(SURGE + MINUTE)
    first = alerts(said)[0]
    assert first.because is not None
    onset, clock = first.because.onset, first.raised_at.astimezone(CDT).strftime("%H:%M")
    assert onset.earliest <= onset.likely == first.started_at
    assert onset.latest.timestamp() * 1000 > SURGE, "the first call had come"
    assert onset.latest == first.raised_at
    assert f"began between 10:00 and {clock}; 90% sure:" in first.because.onset_words.en
    assert f": entre las 10:00 y las {clock}; 90" in first.because.onset_words.es
    later = alerts(world.burst(40, "BH", "tx-1a", at=SURGE + 2 * HOUR))[-1]
    assert later.because is not None
    assert later.because.onset.latest == first.raised_at, "what comes later does not tell of the beginning"


@pytest.mark.parametrize(
    ("language", "sure", "unsure"),
    [
        ("en", "The rise began between 23:00 and 23:40 CDT (Sat Jul 25).", "began between 23:00 and 23:40; 90% sure:"),
        ("fr", "La hausse a commencé entre 23 h 00 et 23 h 40 CDT (sam. 25 juill.).", "; sûr à 90 % : entre 20 h 00"),
        ("es", "El aumento empezó entre las 23:00 y las 23:40 CDT (sáb 25 jul).", "; 90 % seguro: entre las 20:00 y"),
    ],
)
def test_when_it_began_is_a_span_with_one_zone_and_one_day(language: str, sure: str, unsure: str) -> None:
    now = datetime(2026, 7, 26, 0, 5, tzinfo=CDT)
    likely = now - timedelta(minutes=65), now - timedelta(minutes=25)
    whole = now - timedelta(minutes=245), likely[1]
    assert reasons.began(likely, likely, now, language).replace(NB, " ") == sure
    told = reasons.began(likely, whole, now, language).replace(NB, " ")
    assert unsure in told
    assert told.count("CDT") == told.count("25") == 1
    assert words.between((now, now), now, language) == words.ABOUT_TIME[language].format(
        t=words.moment(now, now, language)
    )


def test_the_smallest_rise_that_would_be_seen_grows_with_time_and_with_the_usual_volume() -> None:
    quiet, busy = Step(1.0, 0.05, 0.1, 1.0), Step(4.5, 0.05, 0.1, 1.0)
    assert 5 < smallest_rise(9.0, 1.0, 1, quiet) < smallest_rise(9.0, 1.0, 24, quiet)
    assert smallest_rise(9.0, 1.0, 24, quiet) < smallest_rise(9.0, 16.0, 24, busy)
    assert smallest_rise(9.0, 1.0, 24, quiet) < smallest_rise(14.0, 1.0, 24, quiet)


def test_calls_above_usual_at_the_end_are_observed_less_expected(life: list[Alert]) -> None:
    last = life[-1]
    above = round(last.observed - last.expected)
    assert any(f"{number} calls above usual in all" in last.explanation.en for number in (above - 1, above, above + 1))


def test_times_are_of_the_areas_own_zone() -> None:
    world = warm()
    said = world.burst(12, "BD-1", "tx-1a", at=SURGE) + world.tick(SURGE + MINUTE)
    north = alerts(said)[-1]
    assert north.area == "tx-1a"
    assert "since 10:00 CDT" in north.explanation.en
    assert "depuis 10 h 00 CDT" in north.explanation.fr.replace(NB, " ")
    world = warm()
    south = alerts(world.burst(12, "BD-1", "tx-2", at=SURGE) + world.tick(SURGE + MINUTE))[-1]
    assert south.area == "tx-2"
    assert "since 09:00 MDT" in south.explanation.en


def test_a_time_of_another_day_carries_its_day(life: list[Alert]) -> None:
    now = datetime(2026, 7, 26, 0, 5, tzinfo=CDT)
    before = datetime(2026, 7, 25, 23, 40, tzinfo=CDT)
    assert words.moment(before, now, "en") == "23:40 CDT (Sat Jul 25)"
    assert words.moment(before, now, "fr").replace(NB, " ") == "23 h 40 CDT (sam. 25 juill.)"
    assert words.moment(before, now, "es") == "23:40 CDT (sáb 25 jul)"
    assert words.moment(now, now, "en") == "00:05 CDT"
    assert "since 19:00 CDT (Thu Oct 9)" in life[-1].explanation.en


@pytest.mark.parametrize(
    ("language", "text"), [("en", "1 call since"), ("fr", "1 appel depuis"), ("es", "1 llamada desde")]
)
def test_one_call_is_singular(language: str, text: str) -> None:
    assert words.counts(1, 0.1, "10:00 CDT", language).startswith(text)
    assert not words.counts(21, 0.1, "10:00 CDT", language).startswith(text)
    assert not words.counts(11, 3.0, "10:00 CDT", language).startswith(text)


@pytest.mark.parametrize(
    ("language", "text"), [("en", " 1 call above"), ("fr", " 1 appel de plus"), ("es", " 1 llamada más")]
)
def test_one_call_above_usual_is_singular_too(language: str, text: str) -> None:
    assert text in words.ended(1.2, "10:00 CDT", language)
    assert text not in words.ended(21.0, "10:00 CDT", language)
    assert f" {words.number(0, language)} " in words.ended(-3.0, "10:00 CDT", language)


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_where_hardly_any_call_is_usual_no_ratio_is_told(language: str) -> None:
    assert words.counts(7, 0.4, "10:00 CDT", language) == words.COUNTS_NEW[language].format(o="7", t="10:00 CDT")
    assert words.number(14.0, language) in words.counts(7, 0.5, "10:00 CDT", language)


def test_large_numbers_carry_their_languages_separators() -> None:
    assert words.counts(12_345, 1_000.0, "x", "en").startswith("12,345 calls")
    assert words.counts(12_345, 1_000.0, "x", "fr").startswith(f"12{NB}345 appels")
    assert "1,000" in words.counts(12_345, 1_000.0, "x", "es")


@pytest.mark.parametrize(
    ("days", "text"),
    [(3.0, "could well be chance"), (30.0, "week"), (300.0, "week"), (1_000.0, "year"), (1e6, "under 1%")],
)
def test_rarity_is_told_as_the_chance_in_an_ordinary_week_or_year(days: float, text: str) -> None:
    assert text in words.chance(days, "en")
    assert words.chance(days, "fr") != words.chance(days, "es")


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_a_rarer_rise_never_reads_as_more_likely(language: str) -> None:
    likely, week, year = words.LIKELY_CHANCE[language], *words.SPANS[language].values()
    order, stated = list[str](), dict[str, list[int]]()
    for days in np.geomspace(1.0, 1e6, 2_000):
        text = words.chance(float(days), language)
        span = likely if text == likely else week if week in text else year
        assert span in text
        order += [] if order and order[-1] == span else [span]
        if span != likely:
            percent = re.search(rf"(\d+){NB}?%", text)
            assert percent is not None
            under = words.UNDER[language] in text
            stated.setdefault(span, []).append(0 if under else int(percent[1]))
    assert order == [likely, week, year]
    assert all(shares == sorted(shares, reverse=True) for shares in stated.values())
    assert (stated[year][0], stated[year][-1]) == (50, 0)


def test_a_place_that_is_not_known_is_said_to_be_so() -> None:
    world = warm()
    for number in range(15):
        world.one("BH", None, at=SURGE + number)
    told = alerts(world.tick(SURGE + MINUTE))
    unknown = [alert for alert in told if alert.area == "tx:unmapped"]
    for alert in unknown:
        assert alert.headline.en.endswith("Texas (place unknown)")
        assert alert.headline.fr.endswith("Texas (lieu inconnu)")
        assert alert.headline.es.endswith("Texas (lugar desconocido)")
    assert told
