"""Alerts as the detector writes them (`alert/1`), for the browser tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 7, 26, 7, 5, tzinfo=UTC)
"""Log time of the tests: Sunday 02:05 in Houston."""

NEEDS = {
    "BV": ("Electricity bills", "Factures d\u2019électricité", "Facturas de luz"),
    "BH": ("Shelter", "Hébergement", "Albergue"),
    "BD": ("Food", "Alimentation", "Alimentos"),
}
STATES = {
    "rising": ("Rising", "En hausse", "En aumento"),
    "easing": ("Easing", "Se calme", "Cediendo"),
    "ended": ("Ended", "Terminé", "Terminado"),
}
CHECKS = [
    {"name": "one_source", "verdict": "suspect", "detail": "Only CityLine shows it (94%)."},
    {"name": "weather", "verdict": "unknown", "detail": "No weather feed is set up."},
    {"name": "duplicates", "verdict": "fine", "detail": "Repeated records at the usual level."},
    {"name": "late_batch", "verdict": "fine", "detail": "Calls came in as they happened."},
    {"name": "calendar", "verdict": "fine", "detail": "No holiday or known event."},
]


def make_alert(alert_id: str, **changes: Any) -> dict[str, Any]:
    """One version of one alert; `need`, `area_name`, `minutes_ago` and any field may be given."""
    need = changes.pop("need", "BV")
    place = changes.get("area_name", "Harris County")
    minutes_ago = changes.pop("minutes_ago", 20)
    status = changes.get("status", "rising")
    observed, expected = changes.get("observed", 84), changes.get("expected", 31.2)
    ratio = round(observed / expected, 2)
    headline = [
        f"{state}: {name}, {place}" if lang != 1 else f"{state} : {name}, {place}"
        for lang, (state, name) in enumerate(zip(STATES[status], NEEDS[need], strict=True))
    ]
    explanation = [
        f"{observed} calls since 23:40; about {expected:.0f} would be usual: {ratio:.1f} times.",
        f"{observed} appels depuis 23 h 40 ; d\u2019habitude environ {expected:.0f} : {ratio:.1f} fois ce nombre.",
        f"{observed} llamadas desde las 23:40; lo habitual serían unas {expected:.0f}: {ratio:.1f} veces.",
    ]
    alert = {
        "id": alert_id,
        "version": 1,
        "kind": "surge",
        "status": status,
        "mode": "exercise",
        "need": need,
        "need_name": _words(NEEDS[need]),
        "area": "TX-HARRIS",
        "area_name": place,
        "home_area": "TX-HOU",
        "source": None,
        "started_at": _z(NOW - timedelta(minutes=145)),
        "raised_at": _z(NOW - timedelta(minutes=minutes_ago)),
        "updated_at": _z(max(NOW, NOW - timedelta(minutes=minutes_ago))),
        "ended_at": None,
        "ended_by": None,
        "observed": observed,
        "expected": expected,
        "ratio": ratio,
        "band_low": 22.0,
        "band_high": 41.0,
        "score": 12.4,
        "recurrence_days": 4000.0,
        "recurrence_days_home_area": 900.0,
        "budget_needed": 0.01,
        "severity": "severe",
        "headline": _words(headline),
        "explanation": _words(explanation),
        "drivers": [
            {"need": need, "area": "TX-DT", "observed": 41, "expected": 9.1},
            {"need": need, "area": "TX-MID", "observed": 18, "expected": 4.4},
            {"need": "BD", "area": "TX-HARRIS", "observed": 12, "expected": 8.0},
            {"need": "BD", "area": "TX-DT", "observed": 6, "expected": 4.0},
        ],
        "checks": CHECKS,
        "detector": {"name": "groundswell", "version": "1"},
        "human_version": 0,
        "acknowledged": None,
        "assigned_to": None,
        "label": None,
        "labelled": None,
        "notes": [],
        "silenced_until": None,
        "silenced_by": [],
        "end_requested": None,
        "events": [],
    }
    return alert | changes


def _words(texts: Any) -> dict[str, str]:
    return dict(zip(("en", "fr", "es"), texts, strict=True))


def _z(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
