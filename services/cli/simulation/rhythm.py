"""How calls spread over a week and a holiday: factors around 1 for every local hour."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import numpy as np
from numpy.typing import NDArray

from schemas.reference import Holiday
from services.cli.simulation.land import HOME, ZONE
from services.cli.simulation.needs import Daily

HOUR_MS = 3_600_000
_HOURS = np.arange(24)
_HOLIDAY = {"office": 0.25, "day": 0.65, "evening": 1.0, "always": 1.0}
_AFTER_HOLIDAY = 1.15


def _bump(centre: float, width: float) -> NDArray[np.float64]:
    away = np.minimum(np.abs(_HOURS - centre), 24 - np.abs(_HOURS - centre))
    bump: NDArray[np.float64] = np.exp(-0.5 * (away / width) ** 2)
    return bump


_DAY_SHAPES: dict[Daily, NDArray[np.float64]] = {
    "office": 0.06 + _bump(10, 1.8) + 0.8 * _bump(14.5, 1.8),
    "day": 0.12 + _bump(11, 3.0) + 0.6 * _bump(17, 3.0),
    "evening": 0.25 + 0.5 * _bump(11, 4.0) + _bump(20, 3.0),
    "always": 0.55 + 0.5 * _bump(14, 5.0),
}
_WEEK_SHAPES: dict[Daily, tuple[float, ...]] = {
    "office": (1.35, 1.2, 1.15, 1.1, 1.0, 0.35, 0.25),
    "day": (1.2, 1.1, 1.05, 1.0, 1.05, 0.8, 0.6),
    "evening": (1.0, 0.95, 0.95, 1.0, 1.1, 1.1, 0.95),
    "always": (1.0,) * 7,
}


def week_profile(daily: Daily) -> NDArray[np.float64]:
    """Factor of each local hour of the week, Monday midnight first; mean 1, shape (168,)."""
    profile: NDArray[np.float64] = np.outer(_WEEK_SHAPES[daily], _DAY_SHAPES[daily]).ravel()
    profile /= profile.mean()
    return profile


def home_holidays(years: range) -> tuple[Holiday, ...]:
    """Public holidays of the home area."""
    found = holidays.country_holidays("US", years=list(years))
    return tuple(Holiday(day.isoformat(), HOME, name) for day, name in sorted(found.items()))


class Calendar:
    """Local time of the region."""

    def __init__(self) -> None:
        self._zone = ZoneInfo(ZONE)
        self._profiles = {daily: week_profile(daily) for daily in _DAY_SHAPES}
        self._days: dict[int, frozenset[date]] = {}

    def local(self, hour: int) -> datetime:
        """Local time of a Unix hour."""
        return datetime.fromtimestamp(hour * 3600, UTC).astimezone(self._zone)

    def factor(self, daily: Daily, hour: int) -> float:
        """How many times the average hour."""
        local = self.local(hour)
        profile = float(self._profiles[daily][local.weekday() * 24 + local.hour])
        if local.date() in self._off(local.year):
            return min(profile, float(self._profiles[daily][6 * 24 + local.hour])) * _HOLIDAY[daily]
        before = local.date() - timedelta(days=1)
        return profile * (_AFTER_HOLIDAY if before in self._off(before.year) else 1.0)

    def _off(self, year: int) -> frozenset[date]:
        if year not in self._days:
            self._days[year] = frozenset(holidays.country_holidays("US", years=year))
        return self._days[year]
