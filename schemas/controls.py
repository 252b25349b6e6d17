"""Bodies of the controls on `calls.events.v1` that come from people: label, end, event, budget, retract.

A control's envelope is `schemas.log_record.Control`; what is here stands in its `body`. Who writes one:

* key = the home area, and `home_area` set, for label, end, budget and retract: they concern one home area;
* an event goes to every partition with `home_area` null and the same control id; each home area takes it if one of
  `areas` is its own;
* `issuer` = name of the person, as it will stand in `ended_by`; `effective_at` a little ahead of `at` (2 s is enough),
  so that every partition switches at the same log time; `id` makes a repeat harmless, so an outbox may send twice.

All times are Unix milliseconds. Fields that a reader does not know are ignored; a body that does not fit is refused
on `calls.rejected.v1` with reason `bad_<type>` and `field` = where (`body.label`), never with its value.

What each does to the fold:

* label `{"alert_id": "…", "label": "data_problem"}`: from the alert's onset to its end, `expected_event` and
  `data_problem` are not learned; `new_normal` is learned at once and ends the alert; `false_alarm` counts in the
  budget's account, `real_surge` and `expected_event` no longer count against the budget. A label replaces the one
  before with all its effects; null only takes it back.
* end `{"alert_id": "…"}`: the alert ends; its subtree is not raised again before the rise was over.
  `{"alert_id": "…", "undo": true}` takes that back: where the rise is still on it is raised as a new alert.
* event `{"event_id": "…", "name": "…", "areas": ["tx-1"], "needs": ["BD"], "start": 0, "end": null}`: its hours are
  not learned, alerts in it carry its id and name. The same `event_id` again replaces it; `"withdrawn": true` takes it
  back. `hazard` is optional.
* budget `{"per_week": 3}`: alerts by chance a week that the home area asks for.
* retract `{"source": "…", "from": 0, "to": 3600000}`: what the source brought for hours that begin in [from, to) is
  taken out of counts, model and series; the calls may then be sent again.
"""

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from schemas.codes import CODE_PATTERN, SOURCE_PATTERN

Label = Literal["real_surge", "expected_event", "data_problem", "false_alarm", "new_normal"]
LABELS: tuple[str, ...] = get_args(Label)

ControlType = Literal["config", "label", "end", "event", "budget", "retract"]

REMEMBERED_DAYS = 14
"""So long after it ended can an alert be labelled, and so far back can calls be retracted or an event be declared."""


def _whole(pattern: str) -> str:
    return pattern.replace("$", r"\Z")


Name = Annotated[str, Meta(min_length=1, max_length=120)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]
Code = Annotated[str, Meta(pattern=_whole(CODE_PATTERN))]
Source = Annotated[str, Meta(pattern=_whole(SOURCE_PATTERN))]
Milliseconds = Annotated[int, Meta(ge=0, le=2**53)]


class LabelBody(msgspec.Struct, frozen=True):
    """What a person says an alert was.

    >>> body_of("label", {"alert_id": "82a89854de013cc3", "label": "data_problem"})
    LabelBody(alert_id='82a89854de013cc3', label='data_problem')
    """

    alert_id: Id
    label: Label | None
    """None takes an earlier label back."""


class EndBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person ends an alert, or takes that back."""

    alert_id: Id
    undo: bool = False


class EventBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """A declared event: where, of what and when calls are expected to rise."""

    event_id: Id
    name: Name
    start: Milliseconds
    areas: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=500)]
    """Codes of the area tree, each with all below it."""
    needs: Annotated[tuple[Code, ...], Meta(max_length=500)] = ()
    """Codes of the need tree, each with all below it; empty means every need."""
    end: Milliseconds | None = None
    """None: until it is told again with an end."""
    hazard: Annotated[str, Meta(max_length=64)] | None = None
    withdrawn: bool = False
    """True takes the event back as if it had never been declared."""

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError("end must be later than start")


class BudgetBody(msgspec.Struct, frozen=True):
    """Alerts by chance a week."""

    per_week: Annotated[float, Meta(gt=0, le=1000)]


class RetractBody(msgspec.Struct, frozen=True):
    """Hours of one source that were wrong."""

    source: Source
    start: Milliseconds = msgspec.field(name="from")
    end: Milliseconds = msgspec.field(name="to")

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("to must be later than from")


Body = LabelBody | EndBody | EventBody | BudgetBody | RetractBody

_BODIES: dict[str, type[Body]] = {
    "label": LabelBody,
    "end": EndBody,
    "event": EventBody,
    "budget": BudgetBody,
    "retract": RetractBody,
}


class BadBody(ValueError):
    """A body that does not fit its control's type; `field` says where and no value is shown."""

    def __init__(self, field: str) -> None:
        super().__init__(f"the control does not fit its type at {field}")
        self.field = field


def body_of(type_: str, body: dict[str, object]) -> Body:
    """The body of a control of one of the types above.

    Raises:
        BadBody: it does not fit.
        KeyError: no such type.

    >>> body_of("retract", {"source": "crm", "from": 5, "to": 5})
    Traceback (most recent call last):
    schemas.controls.BadBody: the control does not fit its type at body
    """
    try:
        return msgspec.convert(body, _BODIES[type_])
    except msgspec.ValidationError as error:
        _, _, path = str(error).partition(" - at `$")
        raise BadBody("body" + path.rstrip("`")) from None


def to_body(body: Body) -> dict[str, object]:
    """What stands on the log: plain values.

    >>> to_body(RetractBody("crm", 0, 3_600_000))
    {'source': 'crm', 'from': 0, 'to': 3600000}
    """
    plain: dict[str, object] = msgspec.to_builtins(body)
    return plain
