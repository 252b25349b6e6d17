"""All partitions that this worker reads: recovery, folding, snapshots, status. It does not know Faust."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from services.detector.domain.snapshot import BadSnapshot
from services.detector.outbox import Outbox
from services.detector.stores import Stores
from services.detector.worker import Gap, PartitionWorker, Surroundings
from services.runtime.kafka import StoredRecord
from services.runtime.lifecycle import State
from services.runtime.settings import Settings

log = structlog.get_logger("detector")

REVOKE_SECONDS = 5.0


@dataclass
class Host:
    """The partitions of one worker process."""

    settings: Settings
    around: Surroundings
    outbox: Outbox
    stores: Stores
    workers: dict[int, PartitionWorker] = field(default_factory=dict)
    taking_over: int = 0
    """Partitions that are being recovered at this moment: until they are, nothing moves on."""
    _saving: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take_over(self, partition: int) -> int:
        """Begin with a partition; returns the offset to read from.

        Where records between the newest snapshot and the beginning of the log are gone, or the newest whole snapshot is
        of another format, the partition is rebuilt: from the log if all of it is there, else from sealed hours and
        loaded history, then from what the log still holds. It says so until that is folded.
        """
        known = self.workers.get(partition)
        if known is not None:
            return known.next_offset
        worker = PartitionWorker(partition, self.around)
        self.taking_over += 1
        try:
            await self._recover(worker)
        finally:
            self.taking_over -= 1
        self.workers[partition] = worker
        self.around.metrics.partitions.set(len(self.workers))
        log.info("partition_taken_over", partition=partition, next_offset=worker.next_offset)
        return worker.next_offset

    async def _recover(self, worker: PartitionWorker) -> None:
        stored, (begin, end) = await asyncio.gather(
            asyncio.to_thread(self.stores.snapshots, worker.partition),
            asyncio.to_thread(self.stores.span, worker.partition),
        )
        try:
            worker.recover(stored, begin)
        except BadSnapshot as error:
            if begin == 0:
                worker.fold_again(end)
                await self._tell_rebuilding(worker, None, str(error))
            else:
                await self._rebuild(worker, stored, str(error))
        else:
            if worker.next_offset < begin or (begin > 0 and worker.snapshots.newest is None):
                await self._rebuild(worker, stored, "the log no longer holds what the newest snapshot needs")

    async def _rebuild(self, worker: PartitionWorker, stored: list[StoredRecord], why: str) -> None:
        newest = worker.snapshots.newest
        worker.begin_again(await asyncio.to_thread(self.stores.remembered, worker.partition, stored))
        await self._tell_rebuilding(worker, None if newest is None else newest.next_offset, why)

    async def _tell_rebuilding(self, worker: PartitionWorker, snapshot_needs: int | None, why: str) -> None:
        log.warning(
            "rebuilding",
            partition=worker.partition,
            since=_since(worker),
            first_offset=worker.next_offset,
            unknown_from=moment(worker.rebuild.unknown_from_ms) if worker.rebuild.unknown_from_ms else None,
            snapshot_needs=snapshot_needs,
            why=why,
        )
        await self.outbox.post([worker.status(worker.rebuild.until)])

    def state(self) -> State:
        """For /health/ready: down without a partition, degraded while one is rebuilt."""
        rebuilt = sorted((one for one in self.workers.values() if one.is_rebuilding), key=lambda one: one.partition)
        told = [f"; partition {one.partition}: rebuilding from {_since(one)}{_lost(one)}" for one in rebuilt]
        count = len(self.workers)
        return State(count > 0, f"reads {count} partitions{''.join(told)}", degraded=bool(rebuilt))

    async def fold(self, partition: int, offset: int, key: bytes | None, value: bytes | None, at_ms: int) -> None:
        """One record; what it makes the fold say is on its way when this returns.

        Raises:
            Gap: the record is not the next one.
        """
        worker = self.workers.get(partition)
        if worker is None:
            return
        records = worker.fold(offset, key, value, at_ms)
        if records:
            await self.outbox.post(records)
        if worker.has_rebuilt:
            await self._close_orphans(worker)

    async def _close_orphans(self, worker: PartitionWorker) -> None:
        """Alerts of the state of before that the rebuilt one does not know would stay open for ever.

        Until a snapshot says that it is over, another process does the same again and finds them closed.
        """
        await self.outbox.settled()
        closed = worker.close_orphans(await asyncio.to_thread(self.stores.alerts, worker.partition))
        await self.outbox.post(closed)
        log.info("rebuilt", partition=worker.partition, next_offset=worker.next_offset, alerts_closed=len(closed))

    async def give_up(self, partitions: set[int]) -> None:
        """Partitions go to somebody else: save what can be saved in a few seconds."""
        try:
            await asyncio.wait_for(self.save(partitions & set(self.workers)), REVOKE_SECONDS)
        except TimeoutError:
            log.warning("snapshot_not_written_before_handover", partitions=sorted(partitions))
        for partition in partitions:
            self.workers.pop(partition, None)
        self.around.metrics.partitions.set(len(self.workers))

    async def save(self, partitions: set[int] | None = None) -> None:
        """Write a snapshot of each partition that moved on: only after everything said before it is acknowledged."""
        async with self._saving:
            for partition in sorted(self.workers if partitions is None else partitions):
                worker = self.workers.get(partition)
                newest = worker.snapshots.newest if worker is not None else None
                if worker is None or (newest is not None and newest.next_offset == worker.next_offset):
                    continue
                await self._save(worker)

    async def _save(self, worker: PartitionWorker) -> None:
        next_offset, blocks = worker.blocks()
        mark = await self.outbox.post(())
        snapshots = worker.snapshots
        chunks, manifest = snapshots.write(blocks, next_offset, self.around.clock.now_ms())
        await self.outbox.settled(mark)
        await self.outbox.settled(await self.outbox.post(chunks))
        await self.outbox.settled(await self.outbox.post(snapshots.commit(manifest)))
        await self.outbox.post(snapshots.written(manifest))
        metrics, name = self.around.metrics, str(worker.partition)
        metrics.snapshots.inc()
        metrics.snapshot_bytes.labels(name).set(sum(len(chunk.value or b"") for chunk in chunks))
        metrics.snapshot_age.labels(name).set(next_offset)

    async def tell_status(self, end_offsets: dict[int, int]) -> None:
        """How far each partition has come."""
        records = [worker.status(end_offsets.get(number, 0)) for number, worker in self.workers.items()]
        await self.outbox.post(records)


def _since(worker: PartitionWorker) -> str:
    return moment(worker.rebuild.from_ms) if worker.rebuild.from_ms else "the beginning of the log"


def _lost(worker: PartitionWorker) -> str:
    """What no sealed hour has and the log no longer holds."""
    begin = worker.rebuild.unknown_from_ms
    return f", calls between {moment(begin)} and then are not counted any more" if begin else ""


def moment(at_ms: int) -> str:
    """A time of the log for people.

    >>> moment(1_760_000_000_000)
    '2025-10-09T08:53:20Z'
    """
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = ["Gap", "Host"]
