"""Checks of the three services and their ports."""

from collections.abc import Iterable

from services.cli.doctor.finding import Finding, failed, note, ok
from services.cli.health import ask_ready, local
from services.cli.ports import is_free
from services.runtime.settings import Settings

OTHER = "answers, but not as a Groundswell service"


def check_services(settings: Settings, *, expected: bool) -> Iterable[Finding]:
    """Whether each service runs and is ready, or else whether its port is free.

    Args:
        expected: `groundswell up` runs here, so that all of them should.
    """
    ports = {"ingest": settings.ingest_port, "detector": settings.detector_port, "api": settings.api_port}
    for name, port in ports.items():
        yield _service(name, settings.host, port, expected=expected)


def _service(name: str, host: str, port: int, *, expected: bool) -> Finding:
    said = ask_ready(local(host), port)
    where = f"port {port}"
    if said.ready:
        return ok(name, f"ready on {where}") if said.detail == "ready" else note(name, f"{where}: {said.detail}")
    if expected and is_free(host, port):
        return failed(name, f"does not run, though `groundswell up` does; {where}", f"see its log, logs/{name}.log")
    if is_free(host, port):
        return note(name, f"does not run here; {where} is free", f"`groundswell up`, or `groundswell {name}`")
    if said.detail == OTHER:
        return failed(name, f"{where} is taken by another program", f"stop it, or set GROUNDSWELL_{name.upper()}_PORT")
    return failed(name, f"not ready on {where}: {said.detail}", "see the other lines, then its log")
