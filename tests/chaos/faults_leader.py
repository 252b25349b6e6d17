"""A cluster of three nodes loses a leader, at once and cleanly, under a pipeline of its own."""

import random

from schemas.topics import CALLS
from tests.chaos.cluster import NODES, Cluster
from tests.chaos.faults_detector import pause
from tests.chaos.pipeline import Pipeline
from tests.chaos.processes import CLOCK, wait_for


def leader_changes(line: Pipeline, rng: random.Random) -> float:
    """The leader of the log is killed; once it is back and has caught up, the next one is stopped cleanly."""
    for client in line.clients:
        client.pause()
    cluster = Cluster(line.folder / f"cluster-{rng.getrandbits(32):08x}")
    try:
        cluster.start()
        other = Pipeline(line.folder / f"on-cluster-{rng.getrandbits(32):08x}", rng, shared=cluster)
        try:
            other.start()
            seconds = [_lose(other, cluster, rng, clean=clean) for clean in (False, True)]
            other.settle()
            found, events = other.compare(), other.events
        finally:
            other.close()
    finally:
        cluster.stop()
    line.notes.append(
        f"{NODES} nodes, leader killed and another stopped: {events} events, {found}; recovered in "
        + " and ".join(f"{one:.1f} s" for one in seconds)
    )
    assert found.is_exact, line.notes[-1]
    line.resume()
    return CLOCK.monotonic()


def _lose(line: Pipeline, cluster: Cluster, rng: random.Random, *, clean: bool) -> float:
    wait_for(lambda: cluster.is_whole(line.settings, CALLS), "every node has every record")
    pause(rng.uniform(0.5, 2))
    gone = cluster.leader(line.settings, CALLS)
    since = CLOCK.monotonic()
    if clean:
        gone.stop(timeout_seconds=60)
    else:
        gone.kill()
    seconds = line.recovered(since)
    gone.start(timeout_seconds=300)
    return seconds
