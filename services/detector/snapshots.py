"""Snapshots on `detector.snapshots.v1`: chunks of changed blocks, then a manifest with their hashes, written last.

The snapshots of a partition of the call topic stand in the same partition here. A manifest names every block of the
state with the generation that wrote it; a snapshot counts only when its manifest and all chunks are there and whole.
A generation is the next offset of its state: two workers that write the same one write the same bytes.
"""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from services.detector.domain.snapshot import Blocks
from services.runtime.kafka import Record, StoredRecord

CHUNK_BYTES = 900_000


class BlockEntry(msgspec.Struct, frozen=True, array_like=True):
    """One block: generation that wrote it, number of chunks, SHA-256 of the block."""

    generation: int
    chunks: int
    digest: str


class Manifest(msgspec.Struct, frozen=True):
    """One snapshot: the state after every record before `next_offset`."""

    v: int
    next_offset: int
    written_at: int
    """Wall clock, ms; for people only."""
    blocks: dict[str, BlockEntry]


@dataclass(frozen=True)
class Snapshot:
    """A whole snapshot."""

    manifest: Manifest
    blocks: Blocks


@dataclass
class SnapshotLog:
    """What a worker knows of the snapshots of one partition; it writes only what changed."""

    topic: str
    partition: int
    newest: Manifest | None = None
    stored: set[str] = field(default_factory=set)
    """Keys of the chunks on the topic, those of snapshots that were never finished among them."""
    manifests: set[int] = field(default_factory=set)
    """Generations of the manifests on the topic."""

    def read(self, records: Iterable[StoredRecord]) -> Snapshot | None:
        """The newest whole snapshot among the partition's records, or None; damaged ones are passed over."""
        found = standing(records)
        manifests = sorted(_manifests(found), key=lambda one: one.next_offset, reverse=True)
        self.manifests = {one.next_offset for one in manifests}
        self.stored = {key for key in found if key.startswith("block|")}
        for manifest in manifests:
            blocks = _whole(manifest, found)
            if blocks is not None:
                self.newest = manifest
                return Snapshot(manifest, blocks)
        return None

    def write(self, blocks: Blocks, next_offset: int, now_ms: int) -> tuple[list[Record], Manifest]:
        """Chunks of the blocks that changed since the newest snapshot, and the manifest to write after them."""
        known = self.newest.blocks if self.newest is not None else {}
        entries: dict[str, BlockEntry] = {}
        chunks: list[Record] = []
        for name, block in blocks.items():
            digest = hashlib.sha256(block).hexdigest()
            old = known.get(name)
            if old is not None and old.digest == digest:
                entries[name] = old
                continue
            parts = _cut(zlib.compress(block, 1))
            entries[name] = BlockEntry(next_offset, len(parts), digest)
            chunks += [self._record(_key(name, next_offset, i), part) for i, part in enumerate(parts)]
        return chunks, Manifest(1, next_offset, now_ms, entries)

    def commit(self, manifest: Manifest) -> list[Record]:
        """The manifest's own record; after it is acknowledged, call `written`."""
        return [self._record(_manifest_key(manifest.next_offset), msgspec.json.encode(manifest))]

    def written(self, manifest: Manifest) -> list[Record]:
        """Note a snapshot as the newest; tombstones for what no snapshot that is kept needs any more."""
        kept = [one for one in (manifest, self.newest) if one is not None]
        self.newest = manifest
        self.stored |= _chunks_of(manifest)
        needed = set().union(*(_chunks_of(one) for one in kept))
        dead = sorted(self.manifests - {one.next_offset for one in kept})
        gone = sorted(self.stored - needed)
        self.stored &= needed
        self.manifests = {one.next_offset for one in kept}
        keys = [_manifest_key(one) for one in dead] + gone
        return [self._record(key, None) for key in keys]

    def _record(self, key: str, value: bytes | None) -> Record:
        return Record(self.topic, value, key=key.encode(), partition=self.partition)


def standing(records: Iterable[StoredRecord]) -> dict[str, bytes]:
    """Newest value of each key; what a tombstone took away is gone, whether Kafka has compacted the topic or not."""
    newest = {record.key: record.value for record in records if record.key is not None}
    return {key.decode(errors="replace"): value for key, value in newest.items() if value is not None}


def _manifests(found: dict[str, bytes]) -> Iterable[Manifest]:
    for key, value in found.items():
        if key.startswith("manifest|"):
            try:
                yield msgspec.json.decode(value, type=Manifest)
            except msgspec.MsgspecError:
                continue


def _whole(manifest: Manifest, found: dict[str, bytes]) -> Blocks | None:
    blocks: Blocks = {}
    for name, entry in manifest.blocks.items():
        parts = [found.get(_key(name, entry.generation, i)) for i in range(entry.chunks)]
        if any(part is None for part in parts):
            return None
        try:
            block = zlib.decompress(b"".join(part for part in parts if part is not None))
        except zlib.error:
            return None
        if hashlib.sha256(block).hexdigest() != entry.digest:
            return None
        blocks[name] = block
    return blocks


def _chunks_of(manifest: Manifest) -> set[str]:
    return {_key(name, one.generation, i) for name, one in manifest.blocks.items() for i in range(one.chunks)}


def _cut(data: bytes) -> Sequence[bytes]:
    return [data[at : at + CHUNK_BYTES] for at in range(0, max(len(data), 1), CHUNK_BYTES)]


def _key(name: str, generation: int, chunk: int) -> str:
    return f"block|{name}|{generation}|{chunk}"


def _manifest_key(generation: int) -> str:
    return f"manifest|{generation}"
