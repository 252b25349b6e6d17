"""What a request that changes something carries besides its body: who, If-Match, Idempotency-Key."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from services.api.acting import Asked
from services.api.problems import Problem
from services.api.services import Services
from services.runtime.access import Identity

_KEY = re.compile(r"[A-Za-z0-9_-]{8,128}")
_TAG = re.compile(r'(?:W/)?"?(\d{1,9})"?')


@dataclass(frozen=True, slots=True)
class Asking:
    """One request that changes something."""

    asked: Asked
    expected: int | None
    """The version that the person saw, from If-Match."""


def asking(services: Services) -> Callable[..., Awaitable[Asking]]:
    """A dependency that reads it."""

    async def read(
        request: Request,
        if_match: Annotated[str | None, Header(description='`"<version>"` that was seen', examples=['"3"'])] = None,
        idempotency_key: Annotated[
            str | None, Header(description="One for each action; the same again does nothing")
        ] = None,
        who: Identity = Depends(services.guard.person),
    ) -> Asking:
        if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
            raise Problem(422, "an Idempotency-Key has 8 to 128 letters, digits, - or _")
        asked = Asked(
            who,
            services.scope(who),
            request.scope["route"].name,
            str(request.url.path) + "?" + str(request.url.query),
            idempotency_key,
            await request.body(),
        )
        return Asking(asked, _version(if_match))

    return read


def _version(tag: str | None) -> int | None:
    if tag is None or tag.strip() == "*":
        return None
    found = _TAG.fullmatch(tag.strip())
    if found is None:
        raise Problem(412, 'If-Match carries the version that was seen, as "3"')
    return int(found.group(1))
