"""What the API answers about feeds and about the budget."""

from typing import Literal

from pydantic import AwareDatetime, ConfigDict

from schemas.alert import Words
from services.api.model import Answer, Next


class HeldBackAnswer(Answer):
    """A rise that was followed and not raised."""

    need: str
    need_name: Words | None
    area: str
    area_name: str
    noticed_at: AwareDatetime
    ended_at: AwareDatetime | None
    observed: int
    expected: float
    ratio: float | None
    score: float
    budget_needed: float


class Preview(Answer):
    """What another budget would have let through."""

    per_week: float
    raised_week: int | None
    """Alerts of the last seven days of log time within that budget; null when the detector did not tell of what was
    held back."""
    also: tuple[HeldBackAnswer, ...] | None
    """What would have been raised as well."""
    without: tuple[str, ...]
    """Alerts that would not have been raised."""
    complete: bool
    """False above five times the budget in force: what needs more than that was not followed."""


class Asked(Answer):
    """A budget that was asked for and that the detector does not have yet."""

    per_week: float
    by: str
    at: AwareDatetime


class Budget(Answer):
    """Chance alerts a week that a home area accepts, and what it got."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "home_area": "metro",
                    "per_week": 3.0,
                    "asked": None,
                    "raised_week": 2,
                    "held_back_week": 5,
                    "open_alerts": 1,
                    "false_alarms_week": 0,
                    "held_back": None,
                    "preview": {
                        "per_week": 1.0,
                        "raised_week": 1,
                        "also": [],
                        "without": ["a_5f0c2b7d91e3"],
                        "complete": True,
                    },
                }
            ]
        }
    )

    home_area: str
    per_week: float
    asked: Asked | None
    raised_week: int
    held_back_week: int
    open_alerts: int
    false_alarms_week: int
    """Alerts raised in the last seven days that people called false alarms."""
    held_back: tuple[HeldBackAnswer, ...] | None
    """Newest first; null: this detector does not tell them."""
    preview: Preview | None = None


class BudgetList(Answer):
    """One for each home area that has reported."""

    items: tuple[Budget, ...]
    next: Next = None


class RejectedReason(Answer):
    """Why records were refused."""

    reason: str
    field: str | None
    count: int
    last_at: AwareDatetime


class SourceAnswer(Answer):
    """One feed of one home area."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "source": "metro-crm",
                    "home_area": "metro",
                    "state": "live",
                    "last_call": "2026-07-02T15:39:10Z",
                    "last_logged": "2026-07-02T15:39:12Z",
                    "lag_seconds": 48.0,
                    "median_delay_seconds": 2.5,
                    "calls": 120934,
                    "rate_per_hour": 61.5,
                    "duplicates": 12,
                    "late": 3,
                    "rejected": 4,
                    "unknown_codes": 0,
                    "batch": False,
                    "rejected_week": 4,
                    "rejected_reasons": [
                        {"reason": "unknown code", "field": "needs", "count": 4, "last_at": "2026-07-02T15:00:00Z"}
                    ],
                }
            ]
        }
    )

    source: str
    home_area: str
    state: Literal["live", "silent", "warming"]
    last_call: AwareDatetime | None
    last_logged: AwareDatetime | None
    lag_seconds: float | None
    """Log time of the home area less the time of the newest call."""
    median_delay_seconds: float | None
    calls: int
    rate_per_hour: float | None
    """Over the last hour of log time; null until there are two reports."""
    duplicates: int
    late: int
    rejected: int
    unknown_codes: int
    batch: bool
    """It posts in batches."""
    rejected_week: int
    rejected_reasons: tuple[RejectedReason, ...]
    """Of the last seven days, the most frequent first."""


class SourceList(Answer):
    """Every feed."""

    items: tuple[SourceAnswer, ...]
    next: Next = None
