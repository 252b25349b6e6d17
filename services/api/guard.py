"""Who asks, and what they may read: keys by header, or the cookie of a login."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from fastapi import Request
from sqlalchemy import delete, insert, select

from services.api.database import Database, DatabaseAway
from services.api.problems import Problem, unauthorized
from services.api.tables import sessions
from services.runtime.access import Identity, key_from_headers
from services.runtime.clock import Clock

COOKIE = "groundswell_session"
SESSION_MS = 7 * 86_400_000
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Keys(Protocol):
    """What is asked of the store of keys."""

    def find(self, key: str) -> Identity | None:
        """Who holds a key."""
        ...

    def by_id(self, key_id: str) -> Identity | None:
        """Who holds the key of this id, if it still counts."""
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """A login: the token goes into the cookie, only its hash into the database."""

    token: str
    expires_at: int
    identity: Identity


class Guard:
    """Answers who a request comes from."""

    def __init__(self, keys: Keys, database: Database, clock: Clock) -> None:
        self._keys, self._database, self._clock = keys, database, clock

    def reader(self, request: Request) -> Identity:
        """Somebody who may read.

        Raises:
            Problem: 401 without a known key, 403 with one that only posts calls, or from another site's page.
            DatabaseAway: a login cannot be looked up now.
        """
        identity, by_cookie = self._identify(request)
        if identity is None:
            raise unauthorized()
        if identity.role == "ingest":
            raise Problem(403, "this key only posts calls; reading needs the role viewer, coordinator or admin")
        if by_cookie and request.method not in SAFE:
            self.check_origin(request, strict=True)
        return identity

    def still_reads(self, request: Request) -> bool:
        """Whether the key of an open stream still counts; a database that is away changes nothing."""
        try:
            self.reader(request)
        except Problem:
            return False
        except DatabaseAway:
            return True
        return True

    def log_in(self, key: str) -> Session:
        """Begin a session for a key.

        Raises:
            Problem: 401 unknown key, 403 a key that may not read.
            DatabaseAway: try again later.
        """
        identity = self._keys.find(key)
        if identity is None:
            raise Problem(401, "this key is not known, or was revoked: see `groundswell keys list`")
        if identity.role == "ingest":
            raise Problem(403, "this key only posts calls; log in with the role viewer, coordinator or admin")
        token = secrets.token_urlsafe(32)
        expires_at = self._clock.now_ms() + SESSION_MS
        with self._database.writing() as connection:
            row = {"token_hash": _digest(token), "key_id": identity.id, "expires_at": expires_at}
            connection.execute(insert(sessions).values(row))
        return Session(token, expires_at, identity)

    def log_out(self, request: Request) -> None:
        """End the session of the cookie, if there is one. Raises DatabaseAway."""
        if token := request.cookies.get(COOKIE):
            self.check_origin(request, strict=True)
            with self._database.writing() as connection:
                connection.execute(delete(sessions).where(sessions.c.token_hash == _digest(token)))

    def check_origin(self, request: Request, *, strict: bool) -> None:
        """Refuse what a page of another site sent with our cookie.

        Args:
            strict: also refuse a request that says nothing of where it comes from.
        """
        if not _is_same_origin(request.headers, strict=strict):
            raise Problem(403, "this request comes from another site's page and is refused")

    def _identify(self, request: Request) -> tuple[Identity | None, bool]:
        named = {name: request.headers[name] for name in ("authorization", "x-api-key") if name in request.headers}
        if named:
            key = key_from_headers(named)
            return (self._keys.find(key) if key else None), False
        token = request.cookies.get(COOKIE)
        return (self._of_session(token) if token else None), True

    def _of_session(self, token: str) -> Identity | None:
        query = select(sessions.c.key_id).where(
            sessions.c.token_hash == _digest(token), sessions.c.expires_at > self._clock.now_ms()
        )
        with self._database.reading() as connection:
            key_id = connection.scalar(query)
        return self._keys.by_id(key_id) if key_id is not None else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _is_same_origin(headers: Mapping[str, str], *, strict: bool) -> bool:
    """What the browser says: Sec-Fetch-Site where it is sent, else Origin against Host.

    >>> _is_same_origin({"sec-fetch-site": "cross-site"}, strict=False), _is_same_origin({}, strict=True)
    (False, False)
    >>> _is_same_origin({"origin": "http://a:8000", "host": "a:8000"}, strict=True)
    True
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return not strict
    return urlsplit(origin).netloc == headers.get("host")
