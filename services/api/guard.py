"""Who asks, and what they may do: keys by header, the cookie of a login, or a name from a trusted proxy."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request
from sqlalchemy import delete, insert, select

from schemas.topics import DAY_MS
from services.api.database import Database, DatabaseAway
from services.api.problems import Problem, unauthorized
from services.api.rate_limit import RateLimit
from services.api.rules import RULES, allows
from services.api.stores import days_of
from services.api.tables import sessions
from services.runtime.access import Identity, KeyStore, key_from_headers
from services.runtime.clock import Clock

COOKIE = "groundswell_session"
SESSION_MS = days_of("sessions") * DAY_MS
PROXY_SECRET_HEADER = "x-groundswell-proxy-secret"
CHANGES_PER_SECOND = 20.0
LOGINS_PER_SECOND = 0.2
LOGINS_AT_ONCE = 20.0
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Session:
    """A login: the token goes into the cookie, only its hash into the database."""

    token: str
    expires_at: int
    identity: Identity


@dataclass(frozen=True, slots=True)
class TrustedProxy:
    """A proxy in front that makes sure who somebody is and says so in a header; off unless both are set.

    What somebody may do follows from the key of that name, which nobody needs to have in hand.
    """

    user_header: str
    secret: str
    """The proxy proves itself with it, in `X-Groundswell-Proxy-Secret`."""

    def user(self, headers: Mapping[str, str]) -> str | None:
        """The name that the proxy gives; None when the request did not come through it."""
        given = headers.get(PROXY_SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.secret.encode()):
            return None
        return headers.get(self.user_header) or None


class Guard:
    """Answers who a request comes from, and whether that person may do what is asked."""

    def __init__(self, keys: KeyStore, database: Database, clock: Clock, *, proxy: TrustedProxy | None = None) -> None:
        self.keys = keys
        self._database, self._clock, self._proxy = database, clock, proxy
        self._changes = RateLimit(CHANGES_PER_SECOND, clock)
        self._failed_logins = RateLimit(LOGINS_PER_SECOND, clock, burst=LOGINS_AT_ONCE)

    def person(self, request: Request) -> Identity:
        """Somebody who may use the endpoint that was asked for, by the table in `rules.py`.

        Raises:
            Problem: 401 without a known key, 403 for another role or from another site's page, 429 too often.
            DatabaseAway: a login cannot be looked up now.
        """
        identity, is_ambient = self._identify(request)
        if identity is None:
            raise unauthorized()
        operation = request.scope["route"].name
        if not allows(operation, identity.role):
            raise Problem(403, _needed(operation, identity))
        if request.method not in SAFE:
            self._check_change(request, identity, is_ambient=is_ambient)
        return identity

    def _check_change(self, request: Request, identity: Identity, *, is_ambient: bool) -> None:
        """What a browser sends by itself proves nothing: a change needs our own page's origin and header."""
        self.check_origin(request, strict=is_ambient)
        if is_ambient and request.headers.get("x-requested-with", "").lower() != "groundswell":
            raise Problem(403, "a change made with the login's cookie needs the header `X-Requested-With: groundswell`")
        if not self._changes.allows(identity.id):
            raise Problem(429, "too many changes at once with this key: wait a second", {"Retry-After": "1"})

    def still_reads(self, request: Request) -> bool:
        """Whether the key of an open stream still counts; a database that is away changes nothing."""
        try:
            self.person(request)
        except Problem:
            return False
        except DatabaseAway:
            return True
        return True

    def count_failed_login(self, request: Request) -> None:
        """Raises Problem 429 when somebody tries one key after the other."""
        if not self._failed_logins.allows(request.client.host if request.client else "?"):
            raise Problem(429, "too many unknown keys from this address: wait half a minute", {"Retry-After": "30"})

    def log_in(self, key: str) -> Session:
        """Begin a session for a key.

        Raises:
            Problem: 401 unknown key, 403 a key that may not read.
            DatabaseAway: try again later.
        """
        identity = self.keys.find(key)
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
        """Who it is, and whether a browser would have said so by itself."""
        named = {name: request.headers[name] for name in ("authorization", "x-api-key") if name in request.headers}
        if named:
            key = key_from_headers(named)
            return (self.keys.find(key) if key else None), False
        if self._proxy is not None and (user := self._proxy.user(request.headers)):
            return self.keys.by_name(user), True
        token = request.cookies.get(COOKIE)
        return (self._of_session(token) if token else None), True

    def _of_session(self, token: str) -> Identity | None:
        query = select(sessions.c.key_id).where(
            sessions.c.token_hash == _digest(token), sessions.c.expires_at > self._clock.now_ms()
        )
        with self._database.reading() as connection:
            key_id = connection.scalar(query)
        return self.keys.by_id(key_id) if key_id is not None else None


def _needed(operation: str, identity: Identity) -> str:
    if identity.role == "ingest":
        return "this key only posts calls; reading needs the role viewer, coordinator or admin"
    return f"this needs the role {RULES.get(operation, 'admin')}; yours is {identity.role}"


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
