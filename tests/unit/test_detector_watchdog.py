"""The watchdog: who stands still while the log grows is ended, who is slow, idle or cut off from Kafka is not."""

import threading
from collections.abc import Callable

import pytest
from kafka.errors import KafkaError

from services.detector.watchdog import OTHERS_MOVE, StandStill, Watchdog


@pytest.mark.parametrize(
    ("steps", "stuck"),
    [
        ([(5, 9)] * 4, {0}),
        ([(5, 9), (5, 12), (5, 15), (5, 20)], {0}),
        ([(5, 9), (5, 9), (6, 9), (6, 9)], set()),
        ([(5, 9), (6, 10), (7, 11), (8, 12)], set()),
        ([(5, 5)] * 9, set()),
        ([(5, 5), (5, 9), (5, 9), (5, 9)], {0}),
    ],
)
def test_only_a_partition_with_records_before_it_that_does_not_move_is_stuck(
    steps: list[tuple[int, int]], stuck: set[int]
) -> None:
    still = StandStill(looks=3)
    assert [still.look({0: position}, {0: end}) for position, end in steps][-1] == stuck


def test_a_partition_that_was_away_begins_anew() -> None:
    still = StandStill(looks=2)
    still.look({0: 5, 1: 1}, {0: 9, 1: 1})
    still.look({1: 1}, {0: 9, 1: 1})
    assert still.look({0: 5, 1: 1}, {0: 9, 1: 1}) == set()
    still.look({0: 5, 1: 1}, {0: 9, 1: 1})
    assert still.look({0: 5, 1: 1}, {0: 9, 1: 1}) == {0}


def test_beside_one_that_moves_a_partition_may_wait_longer_and_is_found_all_the_same() -> None:
    """All partitions share one queue: a long rebuild of one lets the others wait behind its records."""
    still, found = StandStill(looks=2), []
    for look in range(2 * OTHERS_MOVE + 1):
        found.append(still.look({0: 5, 1: look}, {0: 9, 1: 99}))
    assert found[:-1] == [set()] * (2 * OTHERS_MOVE)
    assert found[-1] == {0}


def watched(positions: Callable[[], dict[int, int]], ends: Callable[[], dict[int, int]]) -> tuple[Watchdog, list[int]]:
    ended: list[int] = []
    return Watchdog(positions, ends, stop=ended.append, look_seconds=0.001, looks=3), ended


def test_a_stuck_worker_is_ended_with_an_error_status() -> None:
    dog, ended = watched(lambda: {0: 5}, lambda: {0: 9})
    dog.start()
    dog._thread.join(60)
    assert ended == [1]


def test_while_kafka_is_away_nobody_is_judged() -> None:
    looks = 0
    enough = threading.Event()

    def ends() -> dict[int, int]:
        nonlocal looks
        looks += 1
        if looks > 20:
            enough.set()
        if looks % 3 == 0:
            raise KafkaError
        return {0: 9}

    dog, ended = watched(lambda: {0: 5}, ends)
    dog.start()
    assert enough.wait(60)
    dog.close()
    dog._thread.join(60)
    assert ended == []
