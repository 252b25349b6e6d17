"""What was known at a moment: versions and deeds up to then."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, select

from services.api.human import Deed, told
from services.api.ranking import rank_of
from services.api.read_alerts import Wanted
from services.api.scope import Scope
from services.api.tables import alert_actions, alert_versions, alerts
from services.api.view import View
from services.runtime.clock import from_ms

DAYS_BACK = 90


@dataclass(frozen=True, slots=True)
class _Then:
    """Where an alert belonged at that moment."""

    id: str
    home_area: str
    need: str | None
    area: str
    status: str
    raised_at: int
    updated_at: int


def known_alerts(connection: Connection, wanted: Wanted, view: View, at: int) -> list[dict[str, Any]]:
    """Alerts as they stood at a moment (ms), newest first unless ranked; of those raised up to 90 days before."""
    ids = select(alerts.c.id).where(alerts.c.raised_at <= at, alerts.c.raised_at > at - DAYS_BACK * 86_400_000)
    found = _versions(connection, list(connection.scalars(wanted.scope.among(ids))), at)
    human = _deeds(connection, list(found), at)
    items = [
        view.dressed(body, told(human.get(alert_id, ())), _then(body, updated_at))
        for alert_id, (body, updated_at) in found.items()
    ]
    kept = [one for one in items if _is_wanted(one, wanted)]
    kept.sort(key=lambda one: (one["raised_at"], one["id"]), reverse=True)
    if wanted.order == "rank":
        kept.sort(key=rank_of)
    return kept[: wanted.limit]


def known_alert(connection: Connection, alert_id: str, scope: Scope, view: View, at: int) -> dict[str, Any] | None:
    """One alert as it stood at a moment; None when it was not raised yet, or not within the scope."""
    found = _versions(connection, [alert_id], at)
    if alert_id not in found:
        return None
    body, updated_at = found[alert_id]
    if not scope.sees(body["home_area"], body["need"], body.get("source")):
        return None
    return view.dressed(body, told(_deeds(connection, [alert_id], at).get(alert_id, ())), _then(body, updated_at))


def _versions(connection: Connection, ids: Sequence[str], at: int) -> dict[str, tuple[dict[str, Any], int]]:
    """The newest version of each that was said by then."""
    v = alert_versions.c
    newest = (
        select(v.alert_id, func.max(v.version).label("version"))
        .where(v.alert_id.in_(ids), v.updated_at <= at)
        .group_by(v.alert_id)
        .subquery()
    )
    joint = alert_versions.join(newest, and_(v.alert_id == newest.c.alert_id, v.version == newest.c.version))
    rows = connection.execute(select(v.alert_id, v.updated_at, v.body).select_from(joint))
    return {row.alert_id: (msgspec.json.decode(row.body), row.updated_at) for row in rows}


def _deeds(connection: Connection, ids: Sequence[str], at: int) -> dict[str, list[Deed]]:
    a = alert_actions.c
    query = select(alert_actions).where(a.alert_id.in_(ids), a.at <= at).order_by(a.alert_id, a.human_version)
    deeds: dict[str, list[Deed]] = {}
    for row in connection.execute(query):
        deed = Deed(row.type, row.at, row.by, msgspec.json.decode(row.body), row.human_version)
        deeds.setdefault(row.alert_id, []).append(deed)
    return deeds


def _then(body: dict[str, Any], updated_at: int) -> _Then:
    raised = int(msgspec.convert(body["raised_at"], type=type(from_ms(0))).timestamp() * 1000)
    return _Then(body["id"], body["home_area"], body["need"], body["area"], body["status"], raised, updated_at)


def _is_wanted(one: dict[str, Any], wanted: Wanted) -> bool:
    is_hidden = one["silenced_until"] is not None
    return (
        wanted.scope.sees(one["home_area"], one["need"], one.get("source"))
        and (wanted.statuses is None or one["status"] in wanted.statuses)
        and (wanted.kinds is None or one["kind"] in wanted.kinds)
        and (wanted.severities is None or one["severity"] in wanted.severities)
        and (wanted.needs is None or one["need"] in wanted.needs)
        and (wanted.areas is None or one["area"] in wanted.areas)
        and wanted.assigned_to in (None, one["assigned_to"])
        and wanted.label in (None, one["label"])
        and wanted.hidden in (None, is_hidden)
    )
