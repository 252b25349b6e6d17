"""Microseconds of CPU a call: the whole fold beside what a worker that only counts would need.

Run by `make bench`. Both read the same packed records (JSON, 200 calls each); the peer decodes them and counts calls by
hour, need and area in a dict, as a hand-written consumer does, and keeps nothing else.
"""

import random
import time
from collections import Counter

import msgspec

from schemas.log_record import VERSION, Calls, Control, LogCall, decode_record, encode_record
from schemas.reference import Area, Need, Reference
from schemas.space_config import SpaceConfig
from services.detector.domain.fold import State, step

HOUR = 3_600_000
START = 1_760_000_400_000 - 1_760_000_400_000 % HOUR
RECORDS, PACKED, RUNS = 250, 200, 3
REFERENCE = Reference(
    areas=(Area("tx", "", "Texas"), *(Area(f"tx-{i}", "tx", f"Area {i}") for i in range(25))),
    needs=tuple(Need(f"B{i}", "", "Need", "Besoin", "Necesidad") for i in range(40)),
)


def log() -> list[bytes]:
    """Fifty thousand calls in ten hours."""
    rng, records, now = random.Random(1), [], START
    for number in range(RECORDS):
        now += 10 * HOUR // RECORDS
        calls = tuple(
            LogCall(
                f"{number * PACKED + i:016x}",
                "crm",
                now - rng.randint(0, 60_000),
                "211",
                (f"B{rng.randrange(40)}",),
                f"tx-{rng.randrange(25)}",
            )
            for i in range(PACKED)
        )
        records.append(encode_record(Calls(VERSION, (now,) * PACKED, calls)))
    return records


def fold(records: list[bytes]) -> int:
    """All of it: decode, deduplicate, count in both trees, score, seal, say."""
    config = msgspec.to_builtins(SpaceConfig("live", 500, 6, 3.0, 1, "hash"))
    state, said = State(), 0
    step(state, None, Control(VERSION, "c", "config", 0, 0, "bench", config), lambda _: REFERENCE)
    for record in records:
        said += len(step(state, "tx", decode_record(record), lambda _: REFERENCE))
    return said


def count(records: list[bytes]) -> int:
    """The peer: decode and count."""
    cells: Counter[tuple[int, str, str | None]] = Counter()
    for record in records:
        decoded = decode_record(record)
        assert isinstance(decoded, Calls)
        for call in decoded.calls:
            cells[call.time // HOUR, call.codes()[0], call.area] += 1
    return len(cells)


def main() -> None:
    """Print the medians and their ratio."""
    records = log()
    calls = RECORDS * PACKED
    micros = {}
    for name, work in (("fold", fold), ("count only", count)):
        times = []
        for _ in range(RUNS):
            begin = time.process_time()
            work(records)
            times.append(time.process_time() - begin)
        micros[name] = sorted(times)[RUNS // 2] / calls * 1e6
        print(f"{name:12} {micros[name]:8.2f} us CPU a call  ({1e6 / micros[name]:,.0f} calls/s on one core)")
    print(f"the fold costs {micros['fold'] / micros['count only']:.1f} times what counting alone costs")


if __name__ == "__main__":
    main()
