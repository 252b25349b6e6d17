"""Composition root of the detector: settings in, exit status out."""

import asyncio
import os
import signal
import socket
import sys

import structlog

from schemas.topics import ALERTS, COUNTS, REJECTED, SERIES, SNAPSHOTS, STATUS
from services.detector.host import Host
from services.detector.http import HealthServer
from services.detector.metrics import DetectorMetrics
from services.detector.outbox import Outbox
from services.detector.space import References, SpaceProblem, wait_for_space
from services.detector.stores import KafkaStores
from services.detector.watchdog import LogEnds, Watchdog
from services.detector.worker import Surroundings
from services.runtime.clock import SystemClock
from services.runtime.kafka import KafkaAway, KafkaProblem, ReliableProducer, wait_for_kafka
from services.runtime.lifecycle import Health, PortTaken, State, listen
from services.runtime.logs import configure_logs
from services.runtime.metrics import new_registry
from services.runtime.settings import BadSettings, Settings, environment_settings

DONE, FAILED, WRONG_USE, UNREACHABLE = 0, 1, 2, 3
PATIENCE_SECONDS = 60.0
LARGEST_RECORD = 15 * 1024 * 1024


def main(settings: Settings) -> int:
    """Run a detector worker until it is told to stop.

    Returns:
        0 after a clean stop, 1 failed while running, 2 wrong settings, 3 Kafka not reachable.
    """
    configure_logs(settings.log_format, "detector")
    log = structlog.get_logger("detector")
    signal.signal(signal.SIGTERM, _stop)
    try:
        return _run(settings)
    except KeyboardInterrupt:
        return DONE
    except (SpaceProblem, PortTaken) as error:
        log.error("cannot_start", reason=str(error))
        return WRONG_USE
    except KafkaAway as error:
        log.error("kafka_away", reason=str(error))
        return UNREACHABLE
    except (KafkaProblem, OSError) as error:
        log.error("failed", reason=str(error))
        return FAILED


def _stop(*_: object) -> None:
    """SIGTERM while waiting; once it runs, Faust has a handler of its own."""
    raise KeyboardInterrupt


def _run(settings: Settings) -> int:
    from services.detector.app import build, run

    clock, registry, health = SystemClock(), new_registry(), Health()
    hosts: list[Host] = []
    with listen(settings.host, settings.detector_port) as listening:
        health.watch("kafka", lambda: State(False, f"waiting for {settings.kafka_bootstrap}"))
        health.watch("space", lambda: State(False, f"waiting for the configuration of space {settings.space}"))
        health.watch("partitions", lambda: _owns_partitions(hosts))
        HealthServer(listening, health, registry).start()
        wait_for_kafka(settings, clock, PATIENCE_SECONDS)
        health.watch("kafka", lambda: State(True, "reachable"))
        config = wait_for_space(settings, clock, PATIENCE_SECONDS)
        health.watch("space", lambda: State(True, config.model))
        metrics = DetectorMetrics(registry)
        with ReliableProducer(settings, clock, limits=_limits(settings.space)) as producer:
            references = References(settings)
            around = Surroundings(settings.space, f"{socket.gethostname()}:{os.getpid()}", references, clock, metrics)

            def make_host(loop: asyncio.AbstractEventLoop) -> Host:
                host = Host(settings, around, Outbox(producer, loop), KafkaStores(settings, references, clock))
                hosts.append(host)
                return host

            health.watch("kafka", lambda: State(producer.is_healthy(5.0), "records are acknowledged"))
            app = build(settings, make_host)
            structlog.get_logger("detector").info("starting", space=settings.space, model=config.model)
            watchdog = Watchdog(lambda: _positions(hosts), LogEnds(settings, config.partitions))
            watchdog.start()
            try:
                return run(app)
            finally:
                watchdog.close()


def _owns_partitions(hosts: list[Host]) -> State:
    return hosts[-1].state() if hosts else State(False, "reads 0 partitions")


def _positions(hosts: list[Host]) -> dict[int, int]:
    """Next offset of each partition, as far as they are read at this moment."""
    workers = dict(hosts[-1].workers) if hosts and not hosts[-1].taking_over else {}
    return {number: worker.next_offset for number, worker in workers.items()}


def _limits(space: str) -> dict[str, int]:
    topics = (ALERTS, COUNTS, REJECTED, SERIES, SNAPSHOTS, STATUS)
    return {topic.in_space(space): LARGEST_RECORD for topic in topics}


if __name__ == "__main__":
    try:
        chosen = environment_settings()
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(WRONG_USE)
    sys.exit(main(chosen))
