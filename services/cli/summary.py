"""What was refused, by field and reason, in one sentence or a few lines."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Refusals:
    """Counts; never a value.

    >>> seen = Refusals()
    >>> seen.add("time", "is missing"); seen.add("time", "is missing")
    >>> seen.sentence()
    '0 duplicates, 2 refused (2 time: is missing)'
    """

    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    duplicates: int = 0

    def add(self, where: str, reason: str, number: int = 1) -> None:
        """One more item refused for a reason."""
        self.reasons[where, reason] += number

    @property
    def total(self) -> int:
        """All that were refused."""
        return self.reasons.total()

    def sentence(self) -> str:
        """For people."""
        most = "; ".join(f"{number:,} {where}: {why}" for (where, why), number in self.reasons.most_common(5))
        more = "; …" if len(self.reasons) > 5 else ""
        return f"{self.duplicates:,} duplicates, {self.total:,} refused" + (f" ({most}{more})" if most else "")
