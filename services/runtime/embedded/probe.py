"""Does a broker answer? One Metadata request by hand: a client library would take longer to import than to ask."""

import socket
import struct

METADATA, VERSION, CORRELATION = 3, 1, 7
_REQUEST = struct.pack(">hhihi", METADATA, VERSION, CORRELATION, -1, 0)  # no client id, no topics


def answers(host: str, port: int, *, timeout_seconds: float = 2.0) -> bool:
    """Whether a broker at this address takes requests and names at least one live broker (itself)."""
    try:
        with socket.create_connection((host, port), timeout_seconds) as connection:
            connection.settimeout(timeout_seconds)
            connection.sendall(struct.pack(">i", len(_REQUEST)) + _REQUEST)
            head = _read(connection, 12)
    except OSError:
        return False
    if len(head) < 12:
        return False
    _, correlation, brokers = struct.unpack(">iii", head)
    return bool(correlation == CORRELATION and brokers > 0)


def _read(connection: socket.socket, count: int) -> bytes:
    """`count` bytes, or fewer if the other side closes."""
    got = b""
    while len(got) < count:
        more = connection.recv(count - len(got))
        if not more:
            break
        got += more
    return got
