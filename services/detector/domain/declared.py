"""Events that coordinators declared: which nodes and hours they hold, so that these are not taken for normal."""

from collections.abc import Mapping

from schemas.controls import REMEMBERED_DAYS, EventBody
from services.detector.domain.calendar import DAY_HOURS, HOUR_MS, Calendar
from services.detector.domain.nodes import Nodes
from services.detector.domain.tree import Tree

FORGOTTEN_AFTER_MS = 2 * REMEMBERED_DAYS * DAY_HOURS * HOUR_MS
MOST_EVENTS = 1000


def holds(event: EventBody, nodes: Nodes, node: int) -> bool:
    """Whether every call of a node is one of the event's: its need and its area are below those declared."""
    need, area = nodes.names[node]
    return any(nodes.areas.covers(one, area) for one in event.areas) and (
        not event.needs or any(nodes.needs.covers(one, need) for one in event.needs)
    )


def touches(event: EventBody, nodes: Nodes, node: int) -> bool:
    """Whether some calls of a node may be the event's: it is above, below or beside what was declared."""
    need, area = nodes.names[node]
    return any(_comparable(nodes.areas, one, area) for one in event.areas) and (
        not event.needs or any(_comparable(nodes.needs, one, need) for one in event.needs)
    )


def lasts(event: EventBody, calendar: Calendar, bucket: int) -> bool:
    """Whether a bucket has at least a moment of the event."""
    start, end = calendar.start_ms(bucket), calendar.start_ms(bucket + 1)
    return not event.withdrawn and event.start < end and (event.end is None or event.end > start)


def of_node(events: Mapping[str, EventBody], nodes: Nodes, node: int, *, start: int, end: int) -> EventBody | None:
    """The event that a node's rise between two moments (ms) falls into; the one that began last."""
    found = [
        event
        for event in events.values()
        if not event.withdrawn
        and event.start < end
        and (event.end is None or event.end > start)
        and holds(event, nodes, node)
    ]
    return max(found, key=lambda event: (event.start, event.event_id), default=None)


def forget_events(events: dict[str, EventBody], log_time: int) -> None:
    """Drop events that can change nothing any more, and the oldest ones beyond a thousand."""
    over = [one for one in events.values() if one.end is not None and one.end <= log_time - FORGOTTEN_AFTER_MS]
    for event in over:
        del events[event.event_id]
    for event_id in list(events)[: max(0, len(events) - MOST_EVENTS)]:
        del events[event_id]


def _comparable(tree: Tree, one: str, other: str) -> bool:
    return tree.covers(one, other) or tree.covers(other, one)
