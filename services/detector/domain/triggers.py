"""Fixed rules of an emergency plan: at least so many calls of a need in an area within so many hours.

Calls are counted by the minute in which they began, so a window is exact to the minute whatever the hour. A rule
knows nothing of what is usual: it holds from the first call on, costs no budget, and is told once while it is met.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.reference import Trigger
from services.detector.domain.alerts import HOUR_MS, MINUTE_MS
from services.detector.domain.cases import Case
from services.detector.domain.nodes import Nodes

CALM_SHARE = 0.8
"""Easing begins under this share of the rule's count, so that it does not flap."""
LONGEST_DWELL_MS = 6 * HOUR_MS
PLAN_CHANGED = "plan"
"""Who ended an alert whose rule the reference data no longer hold."""


@dataclass
class Rule:
    """One rule and the calls in reach of its window."""

    trigger: Trigger
    minutes: dict[int, int] = field(default_factory=dict)
    """Calls by minute since 1970."""
    case: Case | None = None
    blocked: bool = False
    """A person ended its alert; it stays quiet until it is no longer met."""
    changed: bool = False
    new: bool = True
    """Whether it has not been given the calls of the hours before it."""

    def window(self, now: int) -> int:
        """Calls of the last hours; older minutes are forgotten."""
        oldest = now // MINUTE_MS - self.trigger.hours * 60
        for minute in [minute for minute in self.minutes if minute <= oldest]:
            del self.minutes[minute]
        return sum(self.minutes.values())

    def book(self, minute: int, change: int) -> None:
        """Calls that began in a minute; negative when they are taken back."""
        self.changed = True
        self.minutes[minute] = self.minutes.get(minute, 0) + change
        if self.case is not None and minute * MINUTE_MS >= self.case.since:
            self.case.observed += change

    @property
    def dwell_ms(self) -> int:
        """How long it must not be met before its alert ends: its own window, six hours at most."""
        return min(self.trigger.hours * HOUR_MS, LONGEST_DWELL_MS)


@dataclass
class Triggers:
    """All rules of one home area."""

    home_area: str
    rules: list[Rule] = field(default_factory=list)
    _of_leaf: dict[int, list[Rule]] = field(default_factory=dict, repr=False)

    def follow(self, triggers: Sequence[Trigger], now: int) -> list[Case]:
        """Other reference data: rules that are still there keep their calls; returns alerts whose rule is gone."""
        known = {_place(rule.trigger): rule for rule in self.rules}
        self.rules = [known.pop(_place(one)) if _place(one) in known else Rule(one) for one in triggers]
        for rule, trigger in zip(self.rules, triggers, strict=True):
            rule.trigger, rule.changed = trigger, True
        self._of_leaf.clear()
        gone = [rule.case for rule in known.values() if rule.case is not None]
        for case in gone:
            case.close(PLAN_CHANGED, now)
        return gone

    def book(self, nodes: Nodes, leaves: tuple[int, ...], time: int, calls: int) -> None:
        """Calls booked at leaves (~leaf for -1); `calls` is negative when they are taken back."""
        for place in leaves:
            leaf, change = (place, calls) if place >= 0 else (~place, -calls)
            for rule in self._rules_of(nodes, leaf):
                rule.book(time // MINUTE_MS, change)

    def look(self, now: int, *, all_open: bool) -> list[Case]:
        """Alerts that may have news: of rules whose calls changed, and of open ones when time is to be looked at."""
        told: list[Case] = []
        for rule in self.rules:
            if rule.changed or (all_open and (rule.case is not None or rule.blocked)):
                rule.changed = False
                told += self._look(rule, now)
        return told

    @property
    def attentive(self) -> bool:
        """Whether time alone can bring news."""
        return any(rule.case is not None or rule.blocked for rule in self.rules)

    def open_cases(self) -> list[Case]:
        """Alerts that have not ended."""
        return [rule.case for rule in self.rules if rule.case is not None]

    def end(self, alert_id: str, by: str, now: int) -> bool:
        """A person ends an alert: the rule stays quiet until it was not met."""
        for rule in self.rules:
            if rule.case is not None and rule.case.id == alert_id:
                rule.case.close(by, now)
                rule.changed = rule.blocked = True
                return True
        return False

    def _look(self, rule: Rule, now: int) -> list[Case]:
        calls, count, hours = rule.window(now), rule.trigger.count, rule.trigger.hours
        calm = calls < CALM_SHARE * count
        case = rule.case
        if case is None:
            rule.blocked = rule.blocked and not calm
            if calls < count or rule.blocked:
                return []
            case = rule.case = self._raised(rule, now, calls)
        elif case.open:
            case.follow(calm, calls >= count, now, rule.dwell_ms)
        case.playbook = (rule.trigger.playbook_en, rule.trigger.playbook_fr, rule.trigger.playbook_es)
        case.detail = (float(calls), float(count), float(hours))
        if not case.open:
            rule.case = None
        return [case]

    def _raised(self, rule: Rule, now: int, calls: int) -> Case:
        trigger = rule.trigger
        since = min(minute for minute, here in rule.minutes.items() if here > 0) * MINUTE_MS
        case = Case("trigger", trigger.need, trigger.area, min(since, now), now)
        case.observed, case.severity = float(calls), trigger.severity
        return case.named(self.home_area)

    def _rules_of(self, nodes: Nodes, leaf: int) -> list[Rule]:
        found = self._of_leaf.get(leaf)
        if found is None:
            need, area = nodes.leaves[leaf]
            found = self._of_leaf[leaf] = [
                rule
                for rule in self.rules
                if nodes.needs.covers(rule.trigger.need, need) and nodes.areas.covers(rule.trigger.area, area)
            ]
        return found


def _place(trigger: Trigger) -> tuple[str, str, int]:
    return trigger.need, trigger.area, trigger.hours
