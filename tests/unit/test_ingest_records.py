"""A CRM's own records: what a body may do to the process before its first row is a call."""

import asyncio
import gzip
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas.reference import Area, Reference
from schemas.space_config import SpaceConfig
from services.ingest import routes
from services.ingest.app import create_app
from services.ingest.service import Parts
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from services.runtime.kafka import Ack, Record
from services.runtime.metrics import new_registry
from services.runtime.settings import Settings

HEADER = b"case_enquiry_id,open_dt,reason,type,neighborhood,latitude,longitude,source\n"


class Quick:
    """A producer whose Kafka has everything at once."""

    replaced = 0

    def send(self, record: Record, done: Any) -> None:
        done(Ack(record.topic, 0, 0, 0))

    def post(self, record: Record) -> None:
        """Rejections are not looked at here."""

    def is_healthy(self) -> bool:
        return True

    def oldest_seconds(self) -> float:
        return 0.0


def _post(folder: Path, body: bytes, **headers: str) -> httpx.Response:
    clock = SystemClock()
    keys = KeyStore(folder / "keys.json", clock)
    _, key = keys.add("ingest", "test", source="boston311", home_area="boston")
    app = create_app(
        Parts(
            settings=Settings(space="exercise", data=folder),
            clock=clock,
            producer=Quick(),  # type: ignore[arg-type]
            keys=keys,
            config=SpaceConfig("exercise", 500, 6, 3.0, 2, "x"),
            reference=Reference(areas=(Area("boston", "", "Boston"),), needs=()),
            registry=new_registry(),
            secret=b"0123456789abcdef",
        )
    )
    given = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"} | headers

    async def ask() -> httpx.Response:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://ingest") as client,
        ):
            return await client.post("/v1/sources/boston311/records", content=body, headers=given)

    return asyncio.run(ask())


def test_gzip_that_the_headers_do_not_speak_of_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(HEADER + b" " * 40_000_000)
    assert _post(tmp_path, bomb).status_code == 415
    assert _post(tmp_path, gzip.compress(bomb), **{"Content-Encoding": "gzip"}).status_code == 415
    assert _post(tmp_path, bomb, **{"Content-Encoding": "gzip"}).status_code == 413


def test_rows_are_read_outside_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readers: list[threading.Thread] = []
    rows = routes._rows

    def watched(*given: Any) -> Iterator[Any]:
        for row in rows(*given):
            readers.append(threading.current_thread())
            yield row

    monkeypatch.setattr(routes, "_rows", watched)
    line = b"101,2015-01-27 08:00:00,Sanitation,Missed Trash,Dorchester,42.3,-71.06,Constituent Call\n"
    answer = _post(tmp_path, HEADER + line + b"102,yesterday,Sanitation,Missed Trash,Dorchester,42.3,-71.06,x\n")
    assert (answer.status_code, answer.json()["accepted"], len(answer.json()["rejected"])) == (202, 1, 1)
    assert len(readers) == 2
    assert threading.main_thread() not in readers
