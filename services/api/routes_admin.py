"""`/v1/audit`, `/v1/keys`, retraction: what only admins see and do."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from sqlalchemy import select

from schemas.codes import SOURCE_PATTERN
from schemas.controls import RetractBody
from schemas.topics import DAY_MS
from services.api.asking import Asking, asking
from services.api.model_actions import AddKey, Retract
from services.api.model_handover import AuditList, KeyList, NewKey, Retracted
from services.api.outbox import put_control
from services.api.problems import Problem, not_found
from services.api.services import Services, Time, in_ms
from services.api.standing import read_standing
from services.api.tables_people import audit
from services.api.times import zulu, zulu_or_none
from services.runtime.access import BadKeys, Identity

Source = Annotated[str, Query(pattern=SOURCE_PATTERN)]


def admin_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["admin"])
    person, asks, keys = services.guard.person, asking(services), services.guard.keys

    @router.get("/v1/audit", summary="Who did what, newest first")
    def get_audit(
        since: Time | None = None,
        by: Annotated[str | None, Query(max_length=80)] = None,
        action: Annotated[str | None, Query(max_length=32)] = None,
        target: Annotated[str | None, Query(max_length=160)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
        who: Identity = Depends(person),
    ) -> AuditList:
        query = select(audit).order_by(audit.c.id.desc()).limit(limit + 1)
        wanted = {audit.c.by: by, audit.c.action: action, audit.c.target: target, audit.c.home_area: who.home_area}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(column == value)
        if since is not None:
            query = query.where(audit.c.at >= in_ms(since))
        if cursor is not None:
            query = query.where(audit.c.id < cursor)
        with services.database.reading() as connection:
            rows = connection.execute(query).all()
        following = str(rows[limit - 1].id) if len(rows) > limit else None
        return AuditList.model_validate({"items": [_entry(row) for row in rows[:limit]], "next": following})

    @router.get("/v1/keys", summary="Who holds a key")
    def get_keys(who: Identity = Depends(person)) -> KeyList:
        items = [_key(one) for one in keys.list() if who.home_area in (None, one.home_area)]
        return KeyList.model_validate({"items": items})

    @router.post("/v1/keys", status_code=201, summary="Make a key; it is shown once and kept nowhere")
    def add_key(body: AddKey, ask: Asking = Depends(asks)) -> NewKey:
        who = ask.asked.who
        if (who.home_area or who.needs or who.sources) and (
            body.home_area != who.home_area or body.needs != who.needs or body.sources != who.sources
        ):
            raise Problem(403, "a key that is limited makes only keys with the same limits")
        with services.actions.change(ask.asked) as change:
            if change.is_repeat:
                raise Problem(409, "this key has been made already and was shown once; revoke it and make another")
            days = body.expires_in_days
            try:
                identifier, key = keys.add(
                    body.role,
                    body.name,
                    source=body.source,
                    home_area=body.home_area,
                    totals=body.totals,
                    needs=body.needs,
                    sources=body.sources,
                    expires_at=None if days is None else services.clock.now_ms() + days * DAY_MS,
                )
            except BadKeys as error:
                raise Problem(422, str(error)) from None
            change.note("add_key", f"key:{identifier}", body.home_area, {"role": body.role, "name": body.name})
        return NewKey(id=identifier, key=key)

    @router.delete("/v1/keys/{key_id}", status_code=204, summary="Revoke a key; it stops working within 5 s")
    def revoke_key(key_id: str, ask: Asking = Depends(asks)) -> None:
        scoped = ask.asked.who.home_area
        with services.actions.change(ask.asked) as change:
            one = next((one for one in keys.list() if one.id == key_id), None)
            if one is None or scoped not in (None, one.home_area):
                if change.is_repeat:
                    return
                raise not_found("key")
            keys.revoke(key_id)
            change.note("revoke_key", f"key:{key_id}", one.home_area, {"role": one.role, "name": one.name})

    @router.post("/v1/sources/{source}/retract", summary="Take out what a source brought for some hours; it was wrong")
    def retract_source(source: str, body: Retract, ask: Asking = Depends(asks)) -> Retracted:
        with services.actions.change(ask.asked) as change:
            homes = read_standing(change.connection).within(ask.asked.scope).homes
            home = next((one for one in homes if one.home_area == body.home_area), None)
            if home is None or all(one.source != source for one in home.sources):
                raise not_found("source")
            start, end = in_ms(body.start), in_ms(body.end)
            if not change.is_repeat:
                reference = f"retract:{source}"
                put_control(
                    change.connection,
                    "retract",
                    RetractBody(source, start, end),
                    issuer=change.by,
                    home_area=body.home_area,
                    reference=reference,
                )
                said = {"from": start, "to": end, "reason": body.reason}
                change.tell("retract", reference, body.home_area, said, change.now)
        return Retracted.model_validate(
            {"source": source, "home_area": body.home_area, "start": zulu(start), "end": zulu(end)}
        )

    return router


def _entry(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": zulu(row.at),
        "by": row.by,
        "key_id": row.key_id,
        "role": row.role,
        "action": row.action,
        "target": row.target,
        "home_area": row.home_area,
        "body": msgspec.json.decode(row.body),
    }


def _key(one: Identity) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "role": one.role,
        "source": one.source,
        "home_area": one.home_area,
        "totals": one.totals,
        "needs": one.needs,
        "sources": one.sources,
        "expires_at": zulu_or_none(one.expires_at),
    }
