"""Snapshots on `detector.snapshots.v1`: chunks of changed blocks, then a manifest with their hashes, written last.

The snapshots of a partition of the call topic stand in the same partition here. A manifest names every block of the
state with the generation that wrote it; a snapshot counts only when its manifest and all chunks are there and whole.
A generation is the next offset of its state: two workers that write the same one write the same bytes. A state that was
begun anew, by another model or from what was remembered, is of another lineage, and its keys are other keys: a worker
that was paused before never overwrites or takes away what the one that rebuilds has written.
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
    lineage: str = ""
    """Part of the keys of a state that was begun anew; empty where nothing ever was."""

    def key(self) -> str:
        """Where the manifest stands."""
        return f"manifest|{self.next_offset}{self.lineage}"

    def chunks(self, name: str) -> list[str]:
        """Where the chunks of a block stand, in order."""
        entry = self.blocks[name]
        return [_key(name, f"{entry.generation}{self.lineage}", i) for i in range(entry.chunks)]

    def all_chunks(self) -> set[str]:
        """Where the chunks of all blocks stand."""
        return {key for name in self.blocks for key in self.chunks(name)}


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
    manifests: set[str] = field(default_factory=set)
    """Keys of the manifests on the topic."""
    lineage: str = ""
    """Of what is written next."""

    def read(self, records: Iterable[StoredRecord]) -> Snapshot | None:
        """The newest whole snapshot among the partition's records, or None; damaged ones are passed over."""
        found = standing(records)
        last_first = reversed(list(_manifests(found)))  # of two lineages at one offset the one begun last counts
        manifests = sorted(last_first, key=lambda one: one.next_offset, reverse=True)
        self.manifests = {one.key() for one in manifests}
        self.stored = {key for key in found if key.startswith("block|")}
        for manifest in manifests:
            blocks = _whole(manifest, found)
            if blocks is not None:
                self.newest, self.lineage = manifest, manifest.lineage
                return Snapshot(manifest, blocks)
        return None

    def begin_anew(self, blocks: Blocks) -> None:
        """What is written from here on does not go on from the newest snapshot; this goes with the next one.

        Args:
            blocks: of the state that is begun with: two workers that begin alike write the same bytes again.
        """
        begun = hashlib.sha256()
        for name in sorted(blocks):
            begun.update(name.encode() + hashlib.sha256(blocks[name]).digest())
        self.newest, self.lineage = None, f"~{begun.hexdigest()[:12]}"

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
            generation = f"{next_offset}{self.lineage}"
            chunks += [self._record(_key(name, generation, i), part) for i, part in enumerate(parts)]
        return chunks, Manifest(1, next_offset, now_ms, entries, self.lineage)

    def commit(self, manifest: Manifest) -> list[Record]:
        """The manifest's own record; after it is acknowledged, call `written`."""
        return [self._record(manifest.key(), msgspec.json.encode(manifest))]

    def written(self, manifest: Manifest) -> list[Record]:
        """Note a snapshot as the newest; tombstones for what no snapshot that is kept needs any more."""
        kept = [one for one in (manifest, self.newest) if one is not None]
        self.newest = manifest
        self.stored |= manifest.all_chunks()
        needed = set().union(*(one.all_chunks() for one in kept))
        dead = sorted(self.manifests - {one.key() for one in kept})
        gone = sorted(self.stored - needed)
        self.stored &= needed
        self.manifests = {one.key() for one in kept}
        return [self._record(key, None) for key in dead + gone]

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
        parts = [found.get(key) for key in manifest.chunks(name)]
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


def _cut(data: bytes) -> Sequence[bytes]:
    return [data[at : at + CHUNK_BYTES] for at in range(0, max(len(data), 1), CHUNK_BYTES)]


def _key(name: str, generation: str, chunk: int) -> str:
    return f"block|{name}|{generation}|{chunk}"
