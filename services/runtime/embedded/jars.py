"""Kafka's 46 jars: fetched once into a per-user cache, each checked against the sums in `kafka-jars.txt`."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from services.runtime.embedded.errors import JarsUnavailable, WrongChecksum

KAFKA_VERSION = "4.3.1"
SUMS = "kafka-jars.txt"
AT_ONCE = 8
"""Downloads at the same time."""


@dataclass(frozen=True)
class Jar:
    """One jar as Maven names it, and the SHA-256 sum it must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinates(self) -> str:
        """`group:artifact:version`."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file_name(self) -> str:
        """Name of the file in the cache."""
        return f"{self.artifact}-{self.version}.jar"


Fetch = Callable[[Jar, Path], Path]
"""Fetches one jar into a folder and returns its file; raises OSError or RuntimeError when it cannot."""


def parse_sums(text: str) -> tuple[Jar, ...]:
    """Jars of a list with one `sha256  group:artifact:version` a line; `#` starts a comment.

    >>> parse_sums("# list\\n00ff  org.example:thing:1.0\\n")[0].file_name
    'thing-1.0.jar'
    """
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return tuple(_jar(coordinates, sha256) for sha256, coordinates in lines)


def _jar(coordinates: str, sha256: str) -> Jar:
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, sha256)


def kafka_jars() -> tuple[Jar, ...]:
    """The list that ships with this release."""
    return parse_sums(files(__package__).joinpath(SUMS).read_text(encoding="utf-8"))


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The user's cache of Groundswell: under XDG_CACHE_HOME, else ~/.cache.

    >>> cache_folder({"XDG_CACHE_HOME": "/x"}).as_posix()
    '/x/groundswell'
    """
    base = environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "groundswell"


def ensure_jars(
    cache: Path,
    *,
    jars: Sequence[Jar] | None = None,
    fetch: Fetch | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """The jars' files, in the order of the list, after fetching what the cache lacks.

    Args:
        cache: folder of `cache_folder`; made if missing.
        jars: the list; default: Kafka's.
        fetch: how one jar is had; default: with jgo from Maven Central.
        on_progress: called with (jars present, jars needed) whenever one has arrived.

    Raises:
        JarsUnavailable: a jar is missing and cannot be fetched.
        WrongChecksum: what was fetched is not the file in the list. Nothing of it is kept.
    """
    wanted = kafka_jars() if jars is None else jars
    folder = cache / f"kafka-{KAFKA_VERSION}"
    missing = [jar for jar in wanted if not _is_whole(folder / jar.file_name, jar)]
    if missing:
        _fetch_all(missing, folder, fetch or fetch_with_jgo, on_progress, len(wanted))
    return [folder / jar.file_name for jar in wanted]


def fetch_with_jgo(jar: Jar, folder: Path) -> Path:
    """Fetch one jar from Maven Central into `folder` with jgo; exactly this version, nothing it depends on."""
    try:
        from jgo.maven import MavenContext
    except ModuleNotFoundError:
        raise JarsUnavailable("Kafka's jars are fetched with jgo: pip install 'groundswell[embedded]'") from None
    context = MavenContext(repo_cache=folder, timeout=20)
    return Path(context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())


def _fetch_all(
    missing: Sequence[Jar],
    folder: Path,
    fetch: Fetch,
    on_progress: Callable[[int, int], None] | None,
    total: int,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".fetch-", dir=folder))
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            arriving = pool.map(lambda jar: _fetch_one(jar, folder, staging, fetch), missing)
            for done, _ in enumerate(arriving, start=total - len(missing) + 1):
                if on_progress:
                    on_progress(done, total)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fetch_one(jar: Jar, folder: Path, staging: Path, fetch: Fetch) -> None:
    """Into the staging folder, checked there, then moved: nobody ever sees half a jar."""
    own = staging / jar.file_name
    own.mkdir()
    try:
        arrived = fetch(jar, own)
    except (OSError, RuntimeError) as error:
        if isinstance(error, JarsUnavailable):
            raise
        raise JarsUnavailable(
            f"Apache Kafka {KAFKA_VERSION} is not in the cache yet and {jar.coordinates} could not be fetched from "
            f"Maven Central ({type(error).__name__}). Check the network and start again, use a broker of your own with "
            f"`--broker HOST:PORT`, or copy the folder {folder} from a machine that has it"
        ) from error
    if not _is_whole(arrived, jar):
        raise WrongChecksum(
            f"{jar.coordinates} as fetched is not the file that Groundswell was tested with "
            f"(SHA-256 {_sha256(arrived)}, expected {jar.sha256}); it was thrown away. "
            "A proxy may have changed it: start again on another network"
        )
    os.replace(arrived, folder / jar.file_name)


def _is_whole(path: Path, jar: Jar) -> bool:
    return path.is_file() and _sha256(path) == jar.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
