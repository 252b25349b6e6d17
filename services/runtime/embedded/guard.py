"""Ends the broker when the program that started it is gone, however it went (kill -9, out of memory).

A broker left behind would hold its folder and port, and the next start would fail. Nothing in Java watches its parent,
so a tiny shell does: it waits for the end of a pipe whose other side only the parent has, and then asks the broker to
stop as the parent would have done.
"""

import os
import subprocess

_SCRIPT = 'read -r _; kill -TERM "$1" 2>/dev/null'


class Guard:
    """Watches over one broker process until `dismiss`."""

    def __init__(self, process: int) -> None:
        """`process`: id of the broker."""
        watched, self._held = os.pipe()
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "groundswell-kafka-guard", str(process)],
            stdin=watched,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(watched)

    def dismiss(self) -> None:
        """Stop watching, because the broker has ended."""
        self._shell.kill()
        self._shell.wait()
        os.close(self._held)
