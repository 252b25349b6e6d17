"""Ports on this machine: is one free, and which is."""

import errno
import socket

from services.runtime.embedded.errors import PortTaken

HOST = "127.0.0.1"


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


def require_free(port: int) -> None:
    """Return if `port` can be listened on.

    Raises:
        PortTaken: it cannot; the message says why and what to do.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
            one.listen(1)
        except OSError as error:
            raise PortTaken(_sentence(port, error.errno)) from None


def _sentence(port: int, number: int | None) -> str:
    what_to_do = "choose another with `--port` (0 takes any free one)"
    if number == errno.EADDRINUSE:
        return (
            f"Port {port} on {HOST}, which Kafka is to listen on, is taken by another program: stop that program, "
            f"use it with `--broker {HOST}:{port}` if it is a Kafka, or {what_to_do}"
        )
    if number == errno.EACCES:
        return f"Kafka may not listen on port {port}, because ports below 1024 belong to root: {what_to_do}"
    return f"Kafka cannot listen on port {port} of {HOST} ({errno.errorcode.get(number or 0, 'unknown')}): {what_to_do}"
