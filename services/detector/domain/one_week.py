"""The weekly profile of one series in plain numbers: `profile.Profiles` of a single row that leans on no other."""

from array import array
from struct import Struct

from services.detector.domain.calendar import WEEK_HOURS
from services.detector.domain.profile import KEEP_A_WEEK, SHRINK_CALLS

_SINGLE = Struct("f")
_pack, _unpack = _SINGLE.pack, _SINGLE.unpack


def _single(value: float) -> float:
    """The nearest float32."""
    single: float = _unpack(_pack(value))[0]
    return single


def _weeks_known() -> list[float]:
    """What so many hours of one slot weigh; from some year on the last one stays."""
    weeks = [0.0]
    while (after := _single(weeks[-1] + _single(1.0 - _single(FORGET * weeks[-1])))) > weeks[-1]:
        weeks.append(after)
    return weeks


FORGET = _single(1.0 - KEEP_A_WEEK)
WEEKS = _weeks_known()
LAST = len(WEEKS) - 1


class OneWeek:
    """Calls by hour of the week, and what they say of each hour's share; the factors stand still for a day."""

    __slots__ = ("_average", "_factors", "_learned", "_smooth_calls", "_smooth_weeks", "calls", "hours")

    def __init__(self) -> None:
        self.calls, self.hours = array("f", bytes(4 * WEEK_HOURS)), [0] * WEEK_HOURS
        self._smooth_calls, self._smooth_weeks = [0.0] * WEEK_HOURS, [0.0] * WEEK_HOURS
        self._factors, self._average = [1.0] * WEEK_HOURS, 1.0
        self._learned: list[int] = []

    def factor(self, slot: int) -> float:
        """Factor of an hour of the week, the mean over a week being 1."""
        factor = self._factors[slot] / self._average
        return factor if factor > 0.01 else 0.01

    def learn(self, slot: int, calls: float) -> None:
        """One hour that is over: its calls against the usual volume."""
        seen = self.calls[slot]
        news = calls - _unpack(_pack(FORGET * seen))[0]
        self.calls[slot] = seen + _unpack(_pack(news))[0]
        if self.hours[slot] < LAST:
            self.hours[slot] += 1
        self._learned.append(slot)

    def end_day(self) -> None:
        """Compute the factors anew; of what is smoothed only the slots learned and those beside them are others."""
        calls, weeks, seen, hours = self._smooth_calls, self._smooth_weeks, self.calls, self.hours
        for slot in {near for at in self._learned for near in (at - 1, at, (at + 1) % WEEK_HOURS)}:
            before, after = slot - 1, (slot + 1) % WEEK_HOURS
            calls[slot] = 0.5 * seen[slot] + 0.25 * (seen[before] + seen[after])
            weeks[slot] = 0.5 * WEEKS[hours[slot]] + 0.25 * (WEEKS[hours[before]] + WEEKS[hours[after]])
        self._learned.clear()
        mean = sum(calls) / max(sum(weeks), 1e-9)
        self._factors = [(n + SHRINK_CALLS) / (w * mean + SHRINK_CALLS) for n, w in zip(calls, weeks, strict=True)]
        self._average = sum(self._factors) / WEEK_HOURS
