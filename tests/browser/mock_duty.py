"""The made-up API's budget, quality, feeds and handover, in the contract's words."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from tests.browser.mock_human import People, problem
from tests.browser.mock_world import name_of, zulu

Json = dict[str, Any]


class Duty:
    """What a shift lives with; every attribute may be changed by a test."""

    def __init__(self, alerts: dict[str, Json], people: People) -> None:
        self.alerts, self.people = alerts, people
        self.per_week = 3.0
        self.asked: Json | None = None
        self.held: list[Json] | None = [held("BD", "TX-MID", 4.2, people.now()), held("BH", "TX-DT", 6.5, people.now())]
        self.handovers_asked: list[dict[str, str]] = []

    def routes(self) -> APIRouter:
        """All of them, for the app."""
        router = APIRouter()
        router.get("/v1/budget")(self._budgets)
        router.put("/v1/budget")(self._set)
        router.get("/v1/quality")(self._quality)
        router.get("/v1/handover")(self._handover)
        router.get("/v1/handover.md")(lambda: Response("# Handover\n", media_type="text/markdown"))
        return router

    def budget(self, preview: float | None = None) -> Json:
        """One item of GET /v1/budget."""
        also = [one for one in self.held or [] if self.per_week < one["budget_needed"] <= (preview or 0)]
        without = [one["id"] for one in self.alerts.values() if preview and one["budget_needed"] > preview]
        told = {
            "per_week": preview,
            "raised_week": len(self.alerts) + len(also) - len(without),
            "also": None if self.held is None else also,
            "without": without,
            "complete": self.held is not None,
        }
        return {
            "home_area": "TX-HOU",
            "per_week": self.per_week,
            "asked": self.asked,
            "raised_week": len(self.alerts),
            "held_back_week": len(self.held or []),
            "open_alerts": len(self.alerts),
            "false_alarms_week": 1,
            "held_back": self.held,
            "preview": None if preview is None else told,
        }

    async def _budgets(self, preview: float | None = None) -> Json:
        return {"items": [self.budget(preview)], "next": None}

    async def _set(self, request: Request) -> Any:
        if request.headers.get("x-requested-with") != "groundswell":
            return problem(403, "the header X-Requested-With is missing")
        body = await request.json()
        self.asked = {"per_week": body["per_week"], "by": self.people.who(request), "at": zulu(self.people.now())}
        self.people.changed("budget")
        return self.budget()

    async def _quality(self, days: int) -> Json:
        home = {
            "home_area": "TX-HOU", "alerts": 31, "labelled": 22, "labels": {"real_surge": 18, "false_alarm": 3},
            "precision": 0.857, "precision_low": 0.69, "precision_high": 0.94,
            "lead_minutes_median": 62.0, "acknowledge_minutes_median": 7.0,
        }  # fmt: skip
        return {"since": zulu(self.people.now() - timedelta(days=days)), "home_areas": [home]}

    async def _handover(self, request: Request) -> Json:
        asked = dict(request.query_params)
        self.handovers_asked.append(asked)
        briefs = [brief(one) for one in self.alerts.values()]
        done = [
            {"id": act["id"], "alert_id": alert_id, "headline": self.alerts[alert_id]["headline"], "type": act["type"],
             "by": act["by"], "at": act["at"], "human_version": act["human_version"], "body": act["body"],
             "taken_back": False}
            for alert_id, acts in self.people.actions.items()
            for act in acts
        ]  # fmt: skip
        return {
            "since": asked["since"],
            "until": asked["until"],
            "home_areas": ["TX-HOU"],
            "rose": briefs,
            "open": [one for one in briefs if one["status"] != "ended"],
            "ended": [one for one in briefs if one["status"] == "ended"],
            "done": done,
            "silences": [],
            "events": [],
            "held_back": len(self.held or []),
            "sources_silent": ["county-chat"],
            "budget": [{"home_area": "TX-HOU", "per_week": self.per_week, "raised_week": len(self.alerts)}],
        }


def brief(alert: Json) -> Json:
    """An alert in a line, as a handover has it."""
    detector = "id headline kind home_area severity status started_at raised_at ended_at ended_by observed expected"
    people = "acknowledged assigned_to label notes silenced_until"
    fields = f"{detector} {people}".split()
    return {name: alert[name] for name in fields}


def held(need: str, area: str, budget_needed: float, now: datetime) -> Json:
    """A rise that was followed and not raised."""
    return {
        "need": need, "need_name": name_of(need), "area": area, "area_name": area.removeprefix("TX-"),
        "noticed_at": zulu(now - timedelta(hours=30)), "ended_at": None, "observed": 14, "expected": 7.2,
        "ratio": 1.94, "score": 5.1, "budget_needed": budget_needed,
    }  # fmt: skip


def source(name: str, state: str, now: datetime) -> Json:
    """One feed of GET /v1/sources."""
    silent = state == "silent"
    last = now - (timedelta(minutes=85) if silent else timedelta(seconds=40))
    reasons = [
        {"reason": "code the tree lacks", "field": "needs.0.code", "count": 31, "last_at": zulu(last)},
        {"reason": "time in the future", "field": "time", "count": 2, "last_at": zulu(last)},
    ]
    refused = name == "cityline"
    counts = {"calls": 120934, "duplicates": 12, "late": 3, "rejected": 33, "unknown_codes": 31}
    return counts | {
        "source": name,
        "home_area": "TX-HOU",
        "state": state,
        "last_call": zulu(last),
        "last_logged": zulu(last),
        "lag_seconds": (now - last).total_seconds(),
        "median_delay_seconds": 2.5,
        "batch": name == "nonstop-311",
        "rate_per_hour": 0.0 if silent else 61.5,
        "rejected_week": 33 if refused else 0,
        "rejected_reasons": reasons if refused else [],
    }
