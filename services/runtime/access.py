"""API keys: a small JSON file (0600) that holds hashes; a key itself is shown once, when it is made."""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from services.runtime.clock import Clock, SystemClock
from services.runtime.lifecycle import State

Role = Literal["ingest", "viewer", "coordinator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
LONGEST_NAME = 80
RELOAD_SECONDS = 1.0
"""How often the file is looked at; a revoked key works at most this much longer."""


class BadKeys(ValueError):
    """The file of keys cannot be used, or a key is asked for that cannot be; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who holds a key, and what it allows."""

    id: str
    name: str
    role: Role
    source: str | None = None
    """The one source whose calls an ingest key may post."""
    home_area: str | None = None
    """For readers the scope; for an ingest key also where its calls without a place go."""
    totals: bool = False
    """Whether its calls may carry `count`."""
    needs: tuple[str, ...] = ()
    """For readers: the branches of needs they see; empty: all."""
    sources: tuple[str, ...] = ()
    """For readers: the feeds they see; empty: all."""
    expires_at: int | None = None
    """Unix milliseconds; None: never."""


@dataclass(frozen=True, slots=True)
class _Entry:
    identity: Identity
    sha256: str


class KeyStore:
    """The keys of one file; changes of the file by other processes are seen within a second.

    A file that is damaged when it is first read is an error; one that is damaged later stops nobody who holds a key.

    Args:
        path: the file; it need not exist yet.
        clock: when to look at the file again, and what has expired.

    Raises:
        BadKeys: the file is damaged.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._path, self._clock = path, clock or SystemClock()
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._by_hash: dict[str, _Entry] = {}
        self._seen: tuple[int, int, int] | None = None
        self._looked_at = self._clock.monotonic()
        self.damage = ""
        """Why the file cannot be read any more, if so; the keys that were last read go on working."""
        self._load()

    def add(
        self,
        role: Role,
        name: str,
        *,
        source: str | None = None,
        home_area: str | None = None,
        totals: bool = False,
        needs: Sequence[str] = (),
        sources: Sequence[str] = (),
        expires_at: int | None = None,
    ) -> tuple[str, str]:
        """Make a key.

        Args:
            needs, sources: what a reader is limited to; empty: no limit.
            expires_at: Unix milliseconds; None: never.

        Returns:
            Its id and the key itself, which is kept nowhere.

        Raises:
            BadKeys: role and source do not fit together.
        """
        if role not in ROLES:
            raise BadKeys(f"a role is one of {', '.join(ROLES)}")
        if (role == "ingest") != (source is not None):
            raise BadKeys("an ingest key needs --source, and only an ingest key has one")
        if role == "ingest" and (needs or sources):
            raise BadKeys("only readers are limited to needs or sources; an ingest key has its one --source")
        if any(not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", one) for one in (*sources, *([source] if source else ()))):
            raise BadKeys("a source is a slug of small letters, digits and hyphens, at most 63 long")
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise BadKeys(f"a key has the name of a person or system: 1 to {LONGEST_NAME} printable characters")
        identity = Identity(
            "k_" + secrets.token_hex(6),
            name,
            role,
            source,
            home_area,
            totals,
            tuple(needs),
            tuple(sources),
            expires_at,
        )
        key = f"gs_{role}_{secrets.token_urlsafe(24)}"
        with self._lock, self._locked_file():
            self._load()
            self._entries[identity.id] = _Entry(identity, _digest(key))
            self._save()
        return identity.id, key

    def find(self, key: str) -> Identity | None:
        """Who holds a key; None when nobody does, or when it is revoked or has expired."""
        self._refresh()
        wanted = _digest(key)
        entry = self._by_hash.get(wanted)
        if entry is None or not hmac.compare_digest(entry.sha256, wanted):
            return None
        return self._unless_expired(entry)

    def by_id(self, key_id: str) -> Identity | None:
        """Who holds the key of this id; None when there is none, or when it is revoked or has expired."""
        self._refresh()
        entry = self._entries.get(key_id)
        return None if entry is None else self._unless_expired(entry)

    def by_name(self, name: str) -> Identity | None:
        """The reader of this name whose key was made last; None when there is none that counts.

        For a proxy in front that has already made sure who somebody is.
        """
        self._refresh()
        named = [entry for entry in self._entries.values() if entry.identity.name == name]
        found = [one for entry in named if (one := self._unless_expired(entry)) and one.role != "ingest"]
        return found[-1] if found else None

    def _unless_expired(self, entry: _Entry) -> Identity | None:
        expires_at = entry.identity.expires_at
        return None if expires_at is not None and self._clock.now_ms() >= expires_at else entry.identity

    def list(self) -> tuple[Identity, ...]:
        """Everyone who holds a key, in the order of adding."""
        self._refresh()
        return tuple(entry.identity for entry in self._entries.values())

    def revoke(self, key_id: str) -> None:
        """Take a key back; raises BadKeys when there is none of that id."""
        with self._lock, self._locked_file():
            self._load()
            if key_id not in self._entries:
                raise BadKeys(f"there is no key {key_id}; see `groundswell keys list`")
            del self._entries[key_id]
            self._save()

    def _refresh(self) -> None:
        now = self._clock.monotonic()
        if now - self._looked_at < RELOAD_SECONDS:
            return
        with self._lock:
            self._looked_at = now
            try:
                if self._signature() != self._seen:
                    self._load()
            except (BadKeys, OSError) as error:
                self.damage = str(error)
            else:
                self.damage = ""

    def state(self) -> State:
        """Degraded while changes of the file cannot be seen: a key that is revoked now would go on working."""
        return State(True, self.damage, degraded=bool(self.damage))

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _load(self) -> None:
        signature = self._signature()
        entries = {} if signature is None else {entry.identity.id: entry for entry in self._read()}
        self._use(entries, signature)

    def _read(self) -> Iterator[_Entry]:
        try:
            for row in json.loads(self._path.read_text(encoding="utf-8"))["keys"]:
                sha256 = row.pop("sha256")
                needs, sources = tuple(row.pop("needs", ())), tuple(row.pop("sources", ()))
                yield _Entry(Identity(**row, needs=needs, sources=sources), sha256)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadKeys(
                f"the file of keys {self._path} is damaged; restore it or delete it and make new keys"
            ) from None

    def _use(self, entries: dict[str, _Entry], signature: tuple[int, int, int] | None) -> None:
        self._entries = entries
        self._by_hash = {entry.sha256: entry for entry in entries.values()}
        self._seen = signature

    def _save(self) -> None:
        rows = [asdict(entry.identity) | {"sha256": entry.sha256} for entry in self._entries.values()]
        write_private(self._path, json.dumps({"version": 1, "keys": rows}, indent=1).encode())
        self._use(self._entries, self._signature())

    @contextmanager
    def _locked_file(self) -> Iterator[None]:
        """Two processes that change the keys at once wait for each other, where the system can lock files."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            import fcntl
        except ImportError:
            yield
            return
        with open(self._path.with_suffix(".lock"), "w", opener=_private_opener) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def write_private(path: Path, body: bytes) -> None:
    """Write a file that only its owner may read: wholly or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def key_from_headers(headers: Mapping[str, Any]) -> str | None:
    """The key that a request carries: Bearer, Basic (the password) or X-API-Key; never a cookie.

    Args:
        headers: with names in lower case, or a mapping that ignores case.

    >>> key_from_headers({"authorization": "Bearer abc"}), key_from_headers({"x-api-key": "abc"})
    ('abc', 'abc')
    >>> key_from_headers({"authorization": "Basic " + base64.b64encode(b"user:abc").decode()})
    'abc'
    """
    scheme, _, value = str(headers.get("authorization", "")).partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if scheme.lower() == "basic":
        return _password(value)
    if given := headers.get("x-api-key"):
        return str(given)
    return None


def _password(value: str) -> str | None:
    try:
        _, _, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password or None
