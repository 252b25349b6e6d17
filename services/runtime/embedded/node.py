"""One Apache Kafka node as a child process: format once, start, wait until it answers, stop."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from services.runtime.clock import Clock, SystemClock
from services.runtime.embedded.errors import EmbeddedKafkaError, KafkaDied, KafkaNotReady, PortTaken
from services.runtime.embedded.files import HOST, Folder, new_cluster_id
from services.runtime.embedded.guard import Guard
from services.runtime.embedded.jars import cache_folder, ensure_jars
from services.runtime.embedded.java import Compiler, Java, find_java
from services.runtime.embedded.lock import FolderLock
from services.runtime.embedded.ports import free_port, require_free
from services.runtime.embedded.probe import answers

TRIES = 3
"""Starts before giving up when a port that was free a moment ago is taken."""
POLL_SECONDS = 0.03
TERMINATED = 143
"""Exit status of a Java process that ended well on SIGTERM."""


class EmbeddedKafka:
    """A real Apache Kafka (KRaft, one node) on 127.0.0.1 that keeps its log in `<data_dir>/kafka`.

    Usable as a context manager, or with `start` and `stop`; may be started again after either `stop` or `kill`, then on
    the same port. Its process has a session of its own: Ctrl-C in the terminal reaches the caller, who stops it last.
    It ends when the caller's process does.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        cache: Path | None = None,
        clock: Clock | None = None,
        heap_mb: int = 512,
        compiler: Compiler = "quick",
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            data_dir: folder that survives; made if missing.
            port: of the broker; 0 takes a free one, which then stays.
            cache: jars and class archives; default: the user's cache folder.
            clock: for deadlines.
            heap_mb: most memory of Java's heap, MiB.
            compiler: see `Compiler`.
            on_progress: called with (jars present, jars needed) while they are fetched.
        """
        self.folder = Folder((data_dir / "kafka").absolute())
        self._port = port
        self._cache = cache or cache_folder(os.environ)
        self._clock = clock or SystemClock()
        self._options = [f"-Xmx{heap_mb}m", *(["-XX:TieredStopAtLevel=1"] if compiler == "quick" else [])]
        self._on_progress = on_progress
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: FolderLock | None = None
        self._guard: Guard | None = None
        self._java: Java | None = None
        self._mark = secrets.token_hex(4)

    @property
    def port(self) -> int:
        """Port of the broker; 0 before the first start if a free one was asked for."""
        return self._port

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:<port>`, what clients are given."""
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """Id of the broker's process while there is one."""
        return self._process.pid if self._process else None

    def is_alive(self) -> bool:
        """Whether the broker's process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self, *, timeout_seconds: float = 120.0) -> None:
        """Start and wait until the broker answers. Does nothing if it runs already.

        Raises:
            JarsUnavailable, WrongChecksum, JavaMissing: what it is made of cannot be had.
            PortTaken, FolderInUse: another program has what it needs.
            KafkaDied, KafkaNotReady: it stopped, or did not answer in time.
        """
        if self.is_alive():
            return
        self._forget()
        java = self._java = find_java(ensure_jars(self._cache, on_progress=self._on_progress), self._cache)
        self.folder.make()
        self._lock = FolderLock(self.folder.lock, self._clock)
        try:
            java.make_base_archive()
            self._start_on_some_port(java, self._clock.monotonic() + timeout_seconds)
        except BaseException:
            self.kill()
            raise

    def stop(self, *, timeout_seconds: float = 30.0) -> None:
        """Ask the broker to stop (SIGTERM) and wait; kill it if it has not by then. Does nothing if it does not run."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            status = self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return
        if self._java and status == TERMINATED:
            self._java.keep_archive(self._mark)
        self._forget()

    def kill(self) -> None:
        """End the broker at once (SIGKILL), as a crash would. Its log is recovered by the next start."""
        self._forget()

    def wait(self, timeout_seconds: float | None = None) -> int | None:
        """Exit status of the process once it has ended; None when it still runs after `timeout_seconds`."""
        if self._process is None:
            return None
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return None

    def last_words(self) -> str:
        """The last errors that the latest start printed, on one line; empty if none."""
        try:
            text = self.folder.output.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return "; ".join([line.strip() for line in text.splitlines() if line.strip()][-6:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_on_some_port(self, java: Java, deadline: float) -> None:
        for left in reversed(range(TRIES)):
            if self._port:
                require_free(self._port)
            try:
                self._launch(java, self._port or free_port(), deadline)
                return
            except PortTaken:
                if not left:
                    raise
                self._end_process()

    def _launch(self, java: Java, port: int, deadline: float) -> None:
        self.folder.write_settings(port=port, controller_port=free_port())
        shutil.rmtree(self.folder.root / "tmp")
        (self.folder.root / "tmp").mkdir()
        if not self.folder.is_formatted:
            self._format(java)
        options = [*self._options, *java.use_archives(), *java.record_archive(self._mark)]
        self._process = self._spawn(java.command("kafka.Kafka", ["server.properties"], options=options), java)
        self._guard = Guard(self._process.pid)
        if self._lock:
            self._lock.describe(self._process.pid, f"{HOST}:{port}")
        self._await_answer(self._process, port, deadline)
        self._port = port

    def _format(self, java: Java) -> None:
        """Give the log its cluster id; a format that was cut off is done again with the same id."""
        if not self.folder.cluster_id.is_file():
            self.folder.cluster_id.write_text(new_cluster_id(secrets.token_bytes(16)) + "\n")
        identity = self.folder.cluster_id.read_text().strip()
        arguments = ["format", "--ignore-formatted", "-t", identity, "-c", "server.properties"]
        options = ["-Xmx128m", "-XX:TieredStopAtLevel=1", *java.use_archives()]
        process = self._spawn(java.command("kafka.tools.StorageTool", arguments, options=options), java)
        if process.wait() or not self.folder.is_formatted:
            raise KafkaDied(f"Kafka could not prepare the folder {self.folder.root}: {self.last_words()}")

    def _spawn(self, command: Sequence[str], java: Java) -> subprocess.Popen[bytes]:
        with self.folder.output.open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=self.folder.root,
                env=java.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(self._lock.descriptor,) if self._lock else (),
            )

    def _await_answer(self, process: subprocess.Popen[bytes], port: int, deadline: float) -> None:
        while not answers(HOST, port):
            if self.wait(POLL_SECONDS) is not None:
                raise self._why_it_died(process.returncode, port)
            if self._clock.monotonic() > deadline:
                raise KafkaNotReady(
                    f"Kafka on {HOST}:{port} does not answer yet and was stopped: look at {self.folder.log}"
                )

    def _why_it_died(self, status: int, port: int) -> EmbeddedKafkaError:
        words = self.last_words()
        if "Address already in use" in words or "BindException" in words:
            return PortTaken(f"Port {port} on {HOST}, or the controller's, was taken while Kafka started: start again")
        return KafkaDied(
            f"Kafka stopped while starting (exit status {status}); look at {self.folder.log}. Its last words: {words}"
        )

    def _end_process(self) -> None:
        """The guard goes first: once the broker is reaped, its number may belong to somebody else."""
        if self._guard:
            self._guard.dismiss()
            self._guard = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _forget(self) -> None:
        """Let go of what belongs to a process that has ended."""
        self._end_process()
        if self._java:
            self._java.drop_archive(self._mark)
        if self._lock:
            self._lock.release()
            self._lock = None
