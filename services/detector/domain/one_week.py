"""The weekly profile of one series in plain numbers: `profile.Profiles` of a single row that leans on no other."""

from array import array
from struct import Struct

from services.detector.domain.calendar import WEEK_HOURS
from services.detector.domain.profile import KEEP_A_WEEK, SHRINK_CALLS

_PAIR = Struct("2f")
FORGET = _PAIR.unpack(_PAIR.pack(1.0 - KEEP_A_WEEK, 0.0))[0]


class OneWeek:
    """Calls by hour of the week, and what they say of each hour's share; the factors stand still for a day."""

    __slots__ = ("_average", "_factors", "_learned", "_smooth_calls", "_smooth_weeks", "calls", "weeks")

    def __init__(self) -> None:
        self.calls, self.weeks = array("f", bytes(4 * WEEK_HOURS)), array("f", bytes(4 * WEEK_HOURS))
        self._smooth_calls, self._smooth_weeks = [0.0] * WEEK_HOURS, [0.0] * WEEK_HOURS
        self._factors, self._average = [1.0] * WEEK_HOURS, 1.0
        self._learned: list[int] = []

    def factor(self, slot: int) -> float:
        """Factor of an hour of the week, the mean over a week being 1."""
        factor = self._factors[slot] / self._average
        return factor if factor > 0.01 else 0.01

    def learn(self, slot: int, calls: float) -> None:
        """One hour that is over: its calls against the usual volume."""
        seen, weeks = self.calls[slot], self.weeks[slot]
        faded, faded_weeks = _PAIR.unpack(_PAIR.pack(FORGET * seen, FORGET * weeks))
        more, more_weeks = _PAIR.unpack(_PAIR.pack(calls - faded, 1.0 - faded_weeks))
        self.calls[slot], self.weeks[slot] = seen + more, weeks + more_weeks
        self._learned.append(slot)

    def end_day(self) -> None:
        """Compute the factors anew; of what is smoothed only the slots learned and those beside them are others."""
        calls, weeks, seen, of = self._smooth_calls, self._smooth_weeks, self.calls, self.weeks
        for slot in {near for at in self._learned for near in (at - 1, at, (at + 1) % WEEK_HOURS)}:
            before, after = slot - 1, (slot + 1) % WEEK_HOURS
            calls[slot] = 0.5 * seen[slot] + 0.25 * (seen[before] + seen[after])
            weeks[slot] = 0.5 * of[slot] + 0.25 * (of[before] + of[after])
        self._learned.clear()
        mean = sum(calls) / max(sum(weeks), 1e-9)
        self._factors = [(n + SHRINK_CALLS) / (w * mean + SHRINK_CALLS) for n, w in zip(calls, weeks, strict=True)]
        self._average = sum(self._factors) / WEEK_HOURS
