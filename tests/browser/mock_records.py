"""What the made-up API has on record: versions and actions of an alert, others like it, the hours of any series."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

from schemas.alert import Alert
from tests.browser.mock_human import People
from tests.browser.mock_world import name_of, point, zulu

Json = dict[str, Any]


class Records:
    """Every version that was pushed, and the series behind the charts."""

    def __init__(self, alerts: dict[str, Json], people: People) -> None:
        self.alerts, self.people = alerts, people
        self.versions: dict[str, list[Json]] = {}
        self.similar: list[Json] = []
        self.series_asked: list[dict[str, str]] = []
        self.first_known = 0
        self.silent_hours = range(0)
        self.silences: list[Json] = []
        """Of the series of one alert: hours in which no data came."""
        """Hours of a series before this one have no point: nothing observed, nothing expected."""
        self.known_asked: list[datetime] = []
        """Moments for which the list was asked."""

    def keep(self, alert: Json) -> None:
        """A pushed alert; an action makes no new version."""
        kept = self.versions.setdefault(alert["id"], [])
        if not kept or kept[-1]["version"] != alert["version"]:
            kept.append(alert)

    def known(self, at: datetime) -> list[Json]:
        """The open alerts as they stood at a moment."""
        self.known_asked.append(at)
        then = [self._known(alert_id, at) for alert_id in self.versions]
        return [one for one in then if one is not None and one["status"] != "ended"]

    def _known(self, alert_id: str, at: datetime) -> Json | None:
        told = [one for one in self.versions[alert_id] if datetime.fromisoformat(one["updated_at"]) <= at]
        return told[-1] if told else None

    def routes(self) -> APIRouter:
        """All of them, for the app."""
        router = APIRouter()
        router.get("/v1/alerts/{alert_id}")(self._one)
        router.get("/v1/alerts/{alert_id}/history")(self._history)
        router.get("/v1/alerts/{alert_id}/similar")(self._similar)
        router.get("/v1/series")(self._series)
        router.get("/v1/series/many")(self._many)
        router.get("/v1/series.csv")(lambda: Response("start,observed\n", media_type="text/csv"))
        return router

    async def _one(self, alert_id: str, known_at: datetime | None = None) -> Json:
        if alert_id not in self.alerts:
            raise HTTPException(404, "No such alert.")
        if known_at is None:
            return self.alerts[alert_id]
        known = self._known(alert_id, known_at)
        if known is None:
            raise HTTPException(404, "Not raised yet.")
        return known

    async def _history(self, alert_id: str) -> Json:
        versions = [{name: one[name] for name in Alert.model_fields if name in one} for one in self.versions[alert_id]]
        return {"versions": versions, "actions": self.people.history(alert_id)}

    async def _similar(self, alert_id: str) -> Json:
        return {"items": [one for one in self.similar if one["id"] != alert_id], "next": None}

    async def _series(self, request: Request) -> Json:
        asked = dict(request.query_params)
        self.series_asked.append(asked)
        found = series(asked["need"], asked["area"], asked)
        for one in found["points"][: self.first_known]:
            one |= {"observed": 0, "expected": None, "band_low": None, "band_high": None}
        for one in (found["points"][hour] for hour in self.silent_hours):
            one |= {"observed": 0, "expected": None, "band_low": None, "band_high": None, "known": False}
        return found | {"silences": self.silences}

    async def _many(self, request: Request) -> Json:
        asked = dict(request.query_params)
        self.series_asked.append(asked)
        pairs = [(need, area) for need in asked["needs"].split(",") for area in asked["areas"].split(",")]
        return {"items": [series(need, area, asked) for need, area in pairs]}


def series(need: str, area: str, asked: dict[str, str]) -> Json:
    """One series of GET /v1/series."""
    start, end = (datetime.fromisoformat(asked[name]) for name in ("start", "end"))
    step = timedelta(hours=24 if asked["bucket"] == "day" else 1)
    count = int((end - start) / step)
    points = [point(start + step * i, i, count, day=asked["bucket"] == "day") for i in range(count)]
    return {"need": need, "area": area, "home_area": "TX-HOU", "timezone": "America/Chicago",
            "bucket": asked["bucket"], "points": points}  # fmt: skip


def past_alert(alert_id: str, why: str, label: str | None, at: datetime) -> Json:
    """One item of GET /v1/alerts/{id}/similar."""
    return {"id": alert_id, "need": "BV", "area": "TX-HARRIS", "area_name": "Harris County", "kind": "surge",
            "need_name": name_of("BV"), "status": "ended",
            "raised_at": zulu(at), "ended_at": zulu(at + timedelta(hours=9)), "severity": "moderate",
            "observed": 60, "expected": 29.0, "label": label, "why": why}  # fmt: skip
