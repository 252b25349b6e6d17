"""What `up` prints when all is ready."""

import json
from dataclasses import dataclass

from schemas.reference import Reference
from services.cli.up.keyring import INGEST_SOURCE
from services.cli.up.layout import Layout
from services.runtime.clock import from_ms

ROLES = ("viewer", "coordinator", "admin", "ingest")


@dataclass(frozen=True)
class Addresses:
    """Where everything answers."""

    page: str
    api: str
    ingest: str
    metrics: str
    """Of the detector; the API and ingest have `/metrics` too."""
    kafka: str


def addresses(layout: Layout) -> Addresses:
    """The addresses of one `up`; a host that means `all` is shown as this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(layout.settings.host, layout.settings.host)
    api, ingest, detector = (
        f"http://{host}:{port}" for port in (layout.ports.page, layout.ports.ingest, layout.ports.detector)
    )
    return Addresses(f"{api}/", api, ingest, f"{detector}/metrics", layout.settings.kafka_bootstrap)


def as_json(layout: Layout, keys: dict[str, str]) -> str:
    """The one line for scripts."""
    at = addresses(layout)
    return json.dumps(
        {
            "page": at.page,
            "api": at.api,
            "ingest": at.ingest,
            "metrics": at.metrics,
            "kafka": at.kafka,
            "space": layout.settings.space,
            "ingest_source": INGEST_SOURCE,
            "keys": {role: keys[role] for role in ROLES},
        }
    )


def as_text(layout: Layout, keys: dict[str, str], reference: Reference, now_ms: int) -> str:
    """The same for people, with the next three things to try.

    Args:
        now_ms: the time in the space, for the example of a call.
    """
    at = addresses(layout)
    call = _example(reference, now_ms)
    shown = "\n".join(f"    {role:12} {keys[role]}" for role in ROLES)
    return f"""
Groundswell is up in the space `{layout.settings.space}`. Ctrl-C stops it; everything is kept in {layout.data}.

  Page      {at.page}#key={keys["coordinator"]}
  API       {at.api}/v1/alerts
  Ingest    {at.ingest}/v1/events   (the ingest key posts as `{INGEST_SOURCE}`)
  Metrics   {at.metrics}, and /metrics of the other two
  Kafka     {at.kafka}
  Keys
{shown}

Next
  1. {_watch(layout)}
  2. Post a call of your own:
     curl {at.ingest}/v1/events -H 'Authorization: Bearer {keys["ingest"]}' -H 'Content-Type: application/json' \\
       -d '{json.dumps(call)}'
  3. See what a program sees:
     curl -N {at.api}/v1/alerts/stream -H 'Authorization: Bearer {keys["viewer"]}'
"""


def _example(reference: Reference, now_ms: int) -> dict[str, object]:
    """A call that the space takes: a leaf of each tree, at this time."""
    area_parents = {area.parent for area in reference.areas}
    need_parents = {need.parent for need in reference.needs}
    area = next(area.code for area in reference.areas if area.code not in area_parents)
    need = next(need for need in reference.needs if need.code not in need_parents)
    time = from_ms(now_ms - now_ms % 1000).isoformat().replace("+00:00", "Z")
    line = need.line if need.line in ("211", "311") else "211"
    return {"id": "first-1", "source": INGEST_SOURCE, "time": time, "line": line, "needs": [need.code], "area": area}


def _watch(layout: Layout) -> str:
    if layout.options.demo:
        return (
            "Open the page (the address logs you in). A heat wave begins there within a minute; "
            f"one second is {layout.options.speed / 60:g} minutes."
        )
    if layout.own_reference:
        return (
            "Open the page (the address logs you in). The trees are those of the demo's made-up region; "
            "for your own set GROUNDSWELL_REFERENCE to a folder with areas.csv and needs.csv, and a new --data DIR."
        )
    return "Open the page (the address logs you in). It is empty until calls come in."
