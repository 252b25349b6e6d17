"""The four ports of `up`: chosen, and found free before anything starts."""

import socket
from contextlib import ExitStack
from dataclasses import astuple, dataclass

from services.cli.errors import WRONG_USE, CliError


@dataclass(frozen=True)
class Ports:
    """Where each part listens."""

    page: int
    ingest: int
    detector: int
    kafka: int

    @classmethod
    def from_base(cls, base: int, host: str) -> "Ports":
        """Four ports in a row from a base; four that are free now when the base is 0.

        >>> Ports.from_base(18000, "127.0.0.1")
        Ports(page=18000, ingest=18001, detector=18002, kafka=18003)
        """
        return cls(*_free(host, 4)) if base == 0 else cls(base, base + 1, base + 2, base + 3)


PARTS = ("the page", "ingest", "the detector", "Kafka")


def refuse_taken(ports: Ports, host: str, *, embedded: bool) -> None:
    """Checks that nothing listens on the ports yet; Kafka's own only when Kafka is started here.

    Raises:
        CliError: status 2, which ports are taken and what to do.
    """
    wanted = list(zip(PARTS, astuple(ports), strict=True))[: 4 if embedded else 3]
    repeated = {port for port in astuple(ports) if astuple(ports).count(port) > 1}
    if repeated:
        raise CliError(f"two parts are to listen on port {min(repeated)}; give each its own", WRONG_USE)
    taken = [(part, port) for part, port in wanted if not is_free(host, port)]
    if not taken:
        return
    which = " and ".join(f"port {port} (for {part})" for part, port in taken)
    verb, noun = ("is", "it") if len(taken) == 1 else ("are", "them")
    kafka = f", or use the Kafka that runs there with `--broker {host}:{ports.kafka}`"
    raise CliError(
        f"{which} {verb} taken by another program; stop {noun}, or choose other ports with "
        f"`groundswell up --port-base 18000` (`--port-base 0`: any free ones)"
        f"{kafka if taken[-1][0] == 'Kafka' else ''}",
        WRONG_USE,
    )


def is_free(host: str, port: int) -> bool:
    """Whether a listener could be opened."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
    return True


def _free(host: str, number: int) -> list[int]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket(family, socket.SOCK_STREAM)) for _ in range(number)]
        for one in sockets:
            one.bind((host, 0))
        return [int(one.getsockname()[1]) for one in sockets]
