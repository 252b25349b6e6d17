"""Limits, time, duplicates, keys and counters of ingest, each with values."""

import asyncio
import json
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.codec import CallerRow
from schemas.log_record import LogCall
from schemas.reference import Area, Need, Reference
from services.ingest import callers
from services.ingest.callers import CallerCounter
from services.ingest.delivery import Delivery
from services.ingest.ids import BadSecret, id_secret
from services.ingest.limits import RateLimit
from services.ingest.log_time import ClockCheck, LogTime
from services.ingest.recent import RecentCalls
from services.ingest.ticker import Ticker
from services.ingest.translation import Accepted
from services.ingest.writer import LogWriter
from services.runtime.access import BadKeys, KeyStore, key_from_headers
from services.runtime.kafka import Ack, KafkaAway, RecordRefused
from services.runtime.settings import Settings


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self, now_ms: int = 1_770_000_000_000) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


class Held:
    """A producer that keeps what it is given until the test lets it go."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.waiting: list[Any] = []

    def send(self, record: Any, done: Any) -> None:
        self.records.append(record)
        self.waiting.append(done)

    def acknowledge(self) -> None:
        for number, done in enumerate(self.waiting):
            done(Ack("t", 0, number, 0))
        self.waiting.clear()


def accepted(call_id: str, home: str = "tx", logged_at: int | None = None) -> Accepted:
    return Accepted(LogCall(id=call_id, source="crm", time=1_770_000_000_000, line="211"), home, logged_at)


def test_a_key_gets_its_rate_and_no_more_and_others_are_not_touched() -> None:
    clock = SetClock()
    limit = RateLimit(10.0, clock)
    assert [limit.allows("a") for _ in range(12)] == [True] * 10 + [False] * 2
    assert limit.allows("b")
    clock.ms += 150
    assert [limit.allows("a") for _ in range(2)] == [True, False]


def test_log_time_in_live_never_goes_back_with_the_clock() -> None:
    clock = SetClock(5000)
    time = LogTime(clock, live=True)
    assert time.stamp(None, 1) == 5000
    clock.ms = 4000
    assert (time.stamp(None, 1), time.now()) == (5000, 5000)


def test_log_time_elsewhere_is_what_calls_and_ticks_say() -> None:
    time = LogTime(SetClock(9_000_000), live=False)
    assert time.now() is None
    assert time.stamp(2000, 1) == 2000
    assert time.stamp(None, 1500) == 2000
    time.saw(3000)
    assert time.now() == 3000


@pytest.mark.parametrize(
    ("append", "ok", "word"), [(1500, True, ""), (3100, True, ""), (4001, False, "behind"), (-1500, False, "ahead")]
)
def test_a_clock_more_than_two_seconds_off_is_said(append: int, ok: bool, word: str) -> None:
    check = ClockCheck()
    check.observe(append_ms=append, sent_ms=1000, acked_ms=2000)
    assert check.state().ok is ok
    assert word in check.state().detail


def test_repeats_are_known_until_kafka_refuses_their_record() -> None:
    async def scenario() -> None:
        recent = RecentCalls(size=2)
        first = Delivery(asyncio.get_running_loop())
        recent.remember("a", 1, first)
        assert recent.find("a", 1) is recent.find("a", 0) is first
        assert recent.find("a", 2) is None
        first.settle(RecordRefused("no"))
        assert recent.find("a", 1) is None
        for name in "bcd":
            recent.remember(name, 0, Delivery(asyncio.get_running_loop()))
        assert recent.find("b", 0) is None
        assert recent.find("d", 0) is not None

    asyncio.run(scenario())


def test_impatience_does_not_cancel_a_delivery() -> None:
    async def scenario() -> None:
        delivery = Delivery(asyncio.get_running_loop())
        with pytest.raises(KafkaAway):
            await Delivery.wait_all([delivery], 0.01)
        delivery.settle(Ack("t", 0, 0, 0))
        await Delivery.wait_all([delivery], 0.01)
        assert delivery.is_acknowledged

    asyncio.run(scenario())


def test_calls_of_a_home_area_share_records_of_at_most_500() -> None:
    async def scenario() -> None:
        producer, clock = Held(), SetClock()
        written: list[Any] = []
        writer = LogWriter(
            producer,  # type: ignore[arg-type]
            clock,
            LogTime(clock, live=True),
            topic="calls",
            on_written=written.append,
        )
        deliveries = {writer.add(accepted(str(number))) for number in range(1201)}
        writer.add(accepted("other", home="on"))
        assert writer.in_flight == 1202
        async with asyncio.timeout(60):
            while len(producer.records) < 4:
                await asyncio.sleep(0.005)
        sizes = [len(json.loads(one.value)["calls"]) for one in producer.records]
        assert sorted(sizes) == [1, 201, 500, 500]
        assert {one.key for one in producer.records} == {b"tx", b"on"}
        producer.acknowledge()
        await Delivery.wait_all(deliveries, 60)
        assert (writer.in_flight, len(written)) == (0, 4)

    asyncio.run(scenario())


def test_after_a_record_comes_one_tick_at_the_next_grid_point_and_none_pile_up() -> None:
    async def scenario() -> None:
        producer, clock = Held(), SetClock(10_000)
        ticker = Ticker(
            producer,  # type: ignore[arg-type]
            clock,
            LogTime(clock, live=True),
            topic="calls",
            partitions=2,
            grid_ms=20,
            on_written=lambda _: None,
        )
        ticker.after_record(1, 10_000)
        ticker.after_record(1, 10_010)
        async with asyncio.timeout(60):
            while not producer.records:
                await asyncio.sleep(0.005)
        assert [(one.partition, json.loads(one.value)) for one in producer.records] == [
            (1, {"kind": "tick", "v": 1, "at": 10_020})
        ]
        for stamp in (10_020, 10_040, 10_060):
            ticker.after_record(1, stamp)
        await asyncio.sleep(0.1)
        assert len(producer.records) == 1, "the first one is still on its way"
        producer.acknowledge()
        async with asyncio.timeout(60):
            while len(producer.records) < 2:
                await asyncio.sleep(0.005)
        assert json.loads(producer.records[-1].value)["at"] == 10_080

    asyncio.run(scenario())


def test_ticks_alone_tell_whether_the_clock_is_right_again() -> None:
    async def scenario() -> None:
        producer, clock, check = Held(), SetClock(10_000), ClockCheck()
        check.observe(append_ms=0, sent_ms=10_000, acked_ms=10_000)
        assert not check.state().ok
        ticker = Ticker(
            producer,  # type: ignore[arg-type]
            clock,
            LogTime(clock, live=True),
            topic="calls",
            partitions=1,
            grid_ms=20,
            on_written=lambda one: check.observe(
                append_ms=one.ack.timestamp_ms, sent_ms=one.sent_ms, acked_ms=one.acked_ms
            ),
        )
        ticking = asyncio.create_task(ticker.run())
        async with asyncio.timeout(60):
            while not producer.waiting:
                await asyncio.sleep(0.005)
            producer.waiting.pop()(Ack("calls", 0, 0, 10_000))
            while not check.state().ok:
                await asyncio.sleep(0.005)
        ticking.cancel()
        assert ticker.written == 1

    asyncio.run(scenario())


def test_callers_are_counted_by_hour_child_area_and_need_of_level_two() -> None:
    areas = (Area("tx", "", "Texas"), Area("tx-1", "tx", "One"), Area("77001", "tx-1", "Zip"))
    needs = (Need("B", "", "", "", ""), Need("BD", "B", "", "", ""), Need("BD-1", "BD", "", "", ""))
    counter = CallerCounter(Reference(areas=areas, needs=needs))
    hour = 1_769_997_600_000
    call = LogCall(id="1", source="crm", time=hour + 5, line="211", needs=("BD-1", "BD", "zz"), area="77001")
    counter.count(Accepted(call, "tx", None, CallerRow(age_band="65-74", language="es")))
    assert list(counter.take(hour + 3_600_000)) == []
    ((home, body),) = counter.take(hour + 2 * 3_600_000)
    record = json.loads(body)
    assert (home, record["start"]) == ("tx", hour)
    assert record["cells"] == [
        ["tx-1", need, attribute, group, 1]
        for need in ("BD", "contacts", "unmapped")
        for attribute, group in (("age_band", "65-74"), ("language", "es"))
    ]
    assert list(counter.take(None)) == []


def test_a_busy_hour_of_callers_is_cut_into_records_that_the_topic_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "RECORD_CELLS", 10)
    counter = CallerCounter(Reference(areas=(Area("tx", "", "Texas"),), needs=()))
    for number in range(26):
        call = LogCall(id=str(number), source="crm", time=0, line="211")
        counter.count(Accepted(call, "tx", None, CallerRow(language="a" + chr(97 + number))))
    records = [json.loads(body)["cells"] for _, body in counter.take(None)]
    assert [len(cells) for cells in records] == [10, 10, 6]
    assert len({cell[3] for cells in records for cell in cells}) == 26


def test_keys_are_kept_as_hashes_in_a_private_file(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", SetClock()
    store = KeyStore(path, clock)
    key_id, key = store.add("ingest", "Austin CRM", source="crm", home_area="tx", totals=True)
    assert key not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = KeyStore(path, clock)
    found = other.find(key)
    assert found is not None
    assert (found.id, found.source, found.home_area, found.totals) == (key_id, "crm", "tx", True)
    assert other.find(key + "x") is None
    store.revoke(key_id)
    clock.ms += 5000
    assert other.find(key) is None
    with pytest.raises(BadKeys, match="no key"):
        store.revoke(key_id)


def test_a_file_of_keys_that_breaks_later_stops_nobody_and_is_said(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", SetClock()
    store = KeyStore(path, clock)
    _, key = store.add("viewer", "guest")
    whole = path.read_text()
    path.write_text(whole[:-9])
    clock.ms += 5000
    assert store.find(key) is not None
    assert store.state().degraded
    assert "restore it" in store.state().detail
    path.write_text(whole)
    clock.ms += 5000
    assert store.find(key) is not None
    assert not store.state().degraded


def test_keys_that_make_no_sense_are_refused_and_expire(tmp_path: Path) -> None:
    clock = SetClock()
    store = KeyStore(tmp_path / "keys.json", clock)
    for wrong in ({"role": "ingest"}, {"role": "viewer", "source": "crm"}, {"role": "ingest", "source": "No Slug"}):
        with pytest.raises(BadKeys):
            store.add(name="x", **wrong)  # type: ignore[arg-type]
    _, key = store.add("viewer", "guest", expires_at=clock.ms + 1000)
    assert store.find(key) is not None
    clock.ms += 1000
    assert store.find(key) is None
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(BadKeys, match="damaged"):
        KeyStore(tmp_path / "broken.json", clock)


def test_keys_are_read_from_every_header_that_a_crm_may_set() -> None:
    assert key_from_headers({"cookie": "a=b; groundswell_key=abc"}) is None
    assert key_from_headers({"authorization": "Basic !!"}) is None
    assert key_from_headers({"authorization": "bearer abc"}) == "abc"
    assert key_from_headers({}) is None


def test_the_secret_is_made_once_and_short_ones_are_refused(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    first = id_secret(settings)
    assert id_secret(settings) == first
    assert stat.S_IMODE((tmp_path / "id-secret").stat().st_mode) == 0o600
    short: Any = SimpleNamespace(id_secret=SimpleNamespace(get_secret_value=lambda: "short"))
    with pytest.raises(BadSecret):
        id_secret(short)
