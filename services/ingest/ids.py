"""The keyed 64-bit hash under which a call stands on the log, and the secret behind it."""

import secrets
from hashlib import blake2b
from pathlib import Path

from services.runtime.access import write_private
from services.runtime.settings import Settings

SECRET_FILE = "id-secret"
MIN_SECRET_BYTES = 16


class BadSecret(ValueError):
    """The secret of the ids cannot be used; the sentence says what to do."""


def id_secret(settings: Settings) -> bytes:
    """The secret of this installation, made at the first start in the data folder (0600).

    Raises:
        BadSecret: it is shorter than 16 bytes.
    """
    if settings.id_secret is not None:
        secret = settings.id_secret.get_secret_value().encode()
        if len(secret) < MIN_SECRET_BYTES:
            raise BadSecret(f"GROUNDSWELL_ID_SECRET needs at least {MIN_SECRET_BYTES} bytes")
        return secret
    path = settings.data / SECRET_FILE
    if not path.exists():
        write_private(path, secrets.token_hex(32).encode())
    secret = _read(path)
    if len(secret) < MIN_SECRET_BYTES:
        raise BadSecret(f"{path} is damaged; restore it, because other ids would count calls twice")
    return secret


def _read(path: Path) -> bytes:
    return path.read_bytes().strip()


class Hasher:
    """Hashes (source, id) with the secret.

    >>> hasher = Hasher(b"0123456789abcdef")
    >>> len(hasher("crm", "1")), hasher("crm", "1") == hasher("crm", "1"), hasher("a", "bc") == hasher("ab", "c")
    (16, True, False)
    """

    def __init__(self, secret: bytes) -> None:
        key = secret if len(secret) <= blake2b.MAX_KEY_SIZE else blake2b(secret, digest_size=64).digest()
        self._seed = blake2b(key=key, digest_size=8)

    def __call__(self, source: str, call_id: str) -> str:
        """16 hex digits."""
        digest = self._seed.copy()
        digest.update(f"{source}\0{call_id}".encode())
        return digest.hexdigest()
