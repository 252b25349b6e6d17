"""The broker alone, in the foreground: what `groundswell kafka` runs."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from services.runtime.embedded.node import EmbeddedKafka


class _Stopped(BaseException):
    """A signal asked for the end."""


def run_foreground(data_dir: Path, port: int = 9092, *, say: Callable[[str], None] | None = None) -> int:
    """Run Apache Kafka until SIGINT or SIGTERM comes or it ends by itself. Call it in the main thread.

    Args:
        data_dir: folder that survives, the same as that of `up`.
        port: 0 takes a free one.
        say: gets one line for each thing a person should know; default: standard error.

    Returns:
        Exit status: 0 after a signal, 1 when Kafka ended by itself.

    Raises:
        EmbeddedKafkaError: it could not start; the message says why and what to do.
    """
    tell = say or _to_standard_error
    node = EmbeddedKafka(data_dir, port=port, compiler="full", on_progress=_progress(tell))
    try:
        with _signals_raise():
            node.start()
            tell(f"Apache Kafka answers on {node.bootstrap}; its log is kept in {node.folder.root}; Ctrl-C stops it.")
            node.wait()
    except _Stopped:
        tell("Stopping Apache Kafka …")
        node.stop()
        return 0
    tell(f"Apache Kafka ended by itself; look at {node.folder.log}. Its last words: {node.last_words() or 'none'}")
    return 1


def _to_standard_error(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _progress(tell: Callable[[str], None]) -> Callable[[int, int], None]:
    def on_progress(done: int, total: int) -> None:
        if done == total or done % 10 == 0:
            tell(f"Fetching Apache Kafka, once: {done} of {total} jars")

    return on_progress


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Inside, SIGINT and SIGTERM raise `_Stopped`; a second one, during the stop, does what it did before."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        raise _Stopped

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
