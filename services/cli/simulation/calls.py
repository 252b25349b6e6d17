"""Arrays of an hour into call events: ids, times, delays, channels, outcomes, groups."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from services.cli.simulation.hours import HourOfCalls
from services.cli.simulation.land import Leaf
from services.cli.simulation.needs import Kind
from services.cli.simulation.rhythm import HOUR_MS

LONGEST_DELAY_MS = 20 * 60_000
MEDIAN_DELAY_SECONDS = {"211": 150.0, "311": 45.0}
LANGUAGES, LANGUAGE_CHANCES = ("en", "es", "fr", "ht"), (0.78, 0.15, 0.04, 0.03)
AGES, AGE_CHANCES = (
    ("18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+"),
    (0.1, 0.2, 0.2, 0.16, 0.14, 0.12, 0.08),
)
METS, MET_CHANCES = ("met", "partial", "unmet", "unknown"), (0.62, 0.12, 0.14, 0.12)
CHANNELS = {"211": ("phone", "text", "chat", "web"), "311": ("app", "phone", "web", "email")}
CHANNEL_CHANCES = (0.72, 0.14, 0.08, 0.06)


class Speaker:
    """Words an hour's calls as call-event/1.

    Args:
        sources: source by line.
    """

    def __init__(self, seed: int, leaves: Sequence[Leaf], kinds: Sequence[Kind], sources: Mapping[str, str]) -> None:
        self._seed, self._leaves, self._kinds, self._sources = seed, leaves, kinds, dict(sources)

    def calls(self, hour: HourOfCalls) -> Iterator[tuple[int, dict[str, Any]]]:
        """(logged_at in ms, call) of each call that begins in the hour, in no order."""
        randomness = np.random.default_rng([self._seed, 5, hour.hour])
        number = len(hour.kind)
        begin = hour.hour * HOUR_MS + randomness.integers(0, HOUR_MS, number)
        delay = randomness.lognormal(0.0, 0.6, number)
        draws = randomness.random((number, 5))
        for place in range(number):
            kind = self._kinds[hour.kind[place]]
            time = int(begin[place])
            wait = min(int(delay[place] * MEDIAN_DELAY_SECONDS[kind.line] * 1000), LONGEST_DELAY_MS)
            yield time + wait, self._call(hour, place, kind, time, draws[place])

    def _call(self, hour: HourOfCalls, place: int, kind: Kind, time: int, draws: Any) -> dict[str, Any]:
        call: dict[str, Any] = {
            "id": f"{kind.line}-{hour.hour}-{place}",
            "source": self._sources[kind.line],
            "time": rfc3339(time),
            "line": kind.line,
            "type": "service_request" if kind.line == "311" else "referral",
            "needs": [],
            "channel": _pick(CHANNELS[kind.line], CHANNEL_CHANCES, draws[0]),
        }
        if hour.leaf[place] >= 0:
            call["area"] = self._leaves[hour.leaf[place]].code
        if hour.abandoned[place]:
            return call | {"outcome": "abandoned", "wait_seconds": round(float(60 + 240 * draws[1]))}
        if kind.line == "311":
            return call | {"needs": [kind.need.code]}
        codes = [kind.need.code]
        if hour.second[place] >= 0:
            codes.append(self._kinds[hour.second[place]].need.code)
        met = _pick(METS, MET_CHANCES, draws[2])
        caller = {
            "language": _pick(LANGUAGES, LANGUAGE_CHANCES, draws[3]),
            "age_band": _pick(AGES, AGE_CHANCES, draws[4]),
        }
        return call | {
            "needs": [{"code": code, "met": met} for code in codes],
            "outcome": "answered",
            "wait_seconds": round(float(10 + 90 * draws[1])),
            "talk_seconds": round(float(120 + 500 * draws[2])),
            "caller": caller,
        }


def rfc3339(milliseconds: int) -> str:
    """An instant as text.

    >>> rfc3339(1_750_000_000_123)
    '2025-06-15T15:06:40.123Z'
    """
    text = datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat()[:-6]
    return f"{text}.{milliseconds % 1000:03d}Z"


def _pick(values: Sequence[str], chances: Sequence[float], draw: float) -> str:
    """The value that a draw from [0, 1) falls on."""
    total = 0.0
    for value, chance in zip(values, chances, strict=True):
        total += chance
        if draw < total:
            return value
    return values[-1]
