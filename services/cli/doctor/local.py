"""Checks that need nothing but this machine: reference folder, keys, page, host, database."""

import shutil
import stat
from collections.abc import Iterable
from importlib.resources import files

from schemas.reference_files import BadReference, read_reference
from services.cli.doctor.finding import Finding, away, failed, note, ok, wrong
from services.ingest.ids import MIN_SECRET_BYTES, SECRET_FILE
from services.runtime.access import BadKeys, KeyStore
from services.runtime.settings import PREFIX, Settings

LEAST_FREE_BYTES = 2**30
LEAST_FREE_SHARE = 0.1
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def check_settings(settings: Settings) -> Iterable[Finding]:
    """Which space, which folder."""
    yield ok("settings", f"space {settings.space} ({settings.mode}), data in {settings.data.absolute()}")


def check_reference(settings: Settings) -> Iterable[Finding]:
    """Whether the reference folder can be read."""
    if settings.reference is None:
        yield note(
            "reference", "no folder set; the one on the log is used", "set GROUNDSWELL_REFERENCE for a new space"
        )
        return
    try:
        body = read_reference(settings.reference)
    except BadReference as error:
        yield wrong("reference", str(error), "correct the file, or set GROUNDSWELL_REFERENCE to another folder")
        return
    homes = ", ".join(body.home_areas)
    yield ok("reference", f"{len(body.areas)} areas ({homes}), {len(body.needs)} needs in {settings.reference}")


def check_keys(settings: Settings) -> Iterable[Finding]:
    """Whether there are keys, and whether only their owner may read them."""
    path = settings.keys()
    make = "make keys with `groundswell keys add`"
    try:
        identities = KeyStore(path).list()
    except BadKeys as error:
        yield wrong("keys", str(error), make)
        return
    except OSError as error:
        yield wrong("keys", f"{path}: {error.strerror}", "give this user the right to read it")
        return
    if not path.exists() or not identities:
        yield note("keys", f"nobody holds a key yet ({path})", make)
    elif stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield wrong("keys", f"others may read {path}", f"run `chmod 600 {path}`")
    else:
        roles = [one.role for one in identities]
        yield ok("keys", ", ".join(f"{roles.count(role)} {role}" for role in dict.fromkeys(roles)))


def check_secret(settings: Settings) -> Iterable[Finding]:
    """Whether the secret of the hashes is there, private and long enough."""
    path = settings.data / SECRET_FILE
    if settings.id_secret is not None:
        enough = len(settings.id_secret.get_secret_value().encode()) >= MIN_SECRET_BYTES
        if enough:
            yield ok("secret", "set")
        else:
            todo = "set a longer one, or none: ingest makes it"
            yield wrong("secret", f"has fewer than {MIN_SECRET_BYTES} bytes", todo)
    elif not path.exists():
        yield note("secret", "no id-secret yet", "ingest makes it at its first start; after a loss, restore the backup")
    elif stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield wrong("secret", f"others may read {path}", f"run `chmod 600 {path}`")
    else:
        yield ok("secret", f"in {path.name}")


def check_disk(settings: Settings) -> Iterable[Finding]:
    """Whether the data folder's disk has room."""
    folder = next(one for one in (settings.data.absolute(), *settings.data.absolute().parents) if one.exists())
    usage = shutil.disk_usage(folder)
    free = f"{usage.free / 2**30:,.1f} GiB free of {usage.total / 2**30:,.1f} on the disk of {folder}"
    if usage.free < LEAST_FREE_BYTES:
        yield failed("disk", free, "make room: Kafka and the database stop when it is full")
    elif usage.free < usage.total * LEAST_FREE_SHARE:
        yield note("disk", free, "make room before it is full: Kafka and the database stop then")
    else:
        yield ok("disk", free)


def check_security(settings: Settings) -> Iterable[Finding]:
    """Whether what belongs together for TLS, SASL and the proxy is set together."""
    missing = list(_missing_together(settings))
    for name, why in missing:
        yield wrong("security", f"{PREFIX}{name} is not set, though {why}", f"set {PREFIX}{name}")
    if not missing:
        yield ok("security", f"Kafka by {settings.kafka_security_protocol}")


def _missing_together(settings: Settings) -> Iterable[tuple[str, str]]:
    if settings.kafka_security_protocol.startswith("SASL"):
        for name in ("KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"):
            if getattr(settings, name.lower()) is None:
                yield name, f"{PREFIX}KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}"
    if settings.kafka_ssl_certfile is not None and settings.kafka_ssl_keyfile is None:
        yield "KAFKA_SSL_KEYFILE", "there is a certificate of this client"
    if settings.proxy_user_header is not None and settings.proxy_secret is None:
        yield "PROXY_SECRET", f"{PREFIX}PROXY_USER_HEADER is: the header counts for nothing without it"
    if settings.proxy_secret is not None and settings.proxy_user_header is None:
        yield "PROXY_USER_HEADER", f"{PREFIX}PROXY_SECRET is"


def check_page() -> Iterable[Finding]:
    """Whether the page was built into the package."""
    if files("services.api").joinpath("web/dist/index.html").is_file():
        yield ok("page", "built")
    else:
        yield failed(
            "page", "is not built, so `/` has nothing to show", "run `python hatch_web.py build`, or reinstall"
        )


def check_host(settings: Settings) -> Iterable[Finding]:
    """Whether keys travel in the clear."""
    if settings.host in LOOPBACK:
        yield ok("host", f"{settings.host}: this machine only")
    else:
        yield note(
            "host",
            f"services listen on {settings.host} with plain http, so keys and cookies can be read on the way",
            "put a proxy with TLS before them, or set GROUNDSWELL_HOST=127.0.0.1",
        )


def check_database(settings: Settings) -> Iterable[Finding]:
    """Whether the database answers and has this version's tables; a SQLite file is not made by looking."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from services.api.database import MIGRATIONS, Database, DatabaseAway, WrongDatabase

    if settings.database_url is None and not (settings.data / f"{settings.space}.sqlite").exists():
        yield note("database", "no file yet", "the API makes it at its first start")
        return
    try:
        database = Database(settings.database())
        with database.reading() as connection:
            has = MigrationContext.configure(connection).get_current_revision()
        database.close()
    except WrongDatabase as error:
        yield wrong("database", str(error), "correct GROUNDSWELL_DATABASE_URL")
        return
    except DatabaseAway as error:
        yield away("database", str(error), "start it, or correct GROUNDSWELL_DATABASE_URL")
        return
    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if has == newest:
        yield ok("database", f"answers, tables of revision {has}")
    else:
        yield note("database", f"tables of revision {has}, this version has {newest}", "the API migrates at its start")
