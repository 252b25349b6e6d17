"""Composition root of ingest: settings in, exit status out."""

import sys

import structlog

from schemas.reference_files import BadReference
from services.ingest.app import create_app
from services.ingest.bootstrap import SpaceProblem, ensure_space
from services.ingest.ids import BadSecret, id_secret
from services.ingest.service import Parts, record_limits
from services.ingest.waiting import answering
from services.runtime.access import BadKeys, KeyStore
from services.runtime.clock import SystemClock
from services.runtime.kafka import KafkaAway, KafkaProblem, ReliableProducer, WrongTopic, wait_for_kafka
from services.runtime.lifecycle import Health, PortTaken, listen, run_server
from services.runtime.logs import configure_logs
from services.runtime.metrics import new_registry
from services.runtime.settings import BadSettings, Settings, environment_settings

DONE, FAILED, WRONG_USE, UNREACHABLE = 0, 1, 2, 3
PATIENCE_SECONDS = 30.0
"""How long the start waits for Kafka."""


def main(settings: Settings) -> int:
    """Run ingest until it is told to stop.

    Returns:
        0 after a clean stop, 1 failed while running, 2 wrong settings, 3 Kafka not reachable.
    """
    configure_logs(settings.log_format, "ingest")
    log = structlog.get_logger("ingest")
    try:
        _run(settings)
    except (BadReference, BadSecret, BadKeys, SpaceProblem, WrongTopic, PortTaken) as error:
        log.error("cannot_start", reason=str(error))
        return WRONG_USE
    except KafkaAway as error:
        log.error("kafka_away", reason=str(error))
        return UNREACHABLE
    except (KafkaProblem, OSError) as error:
        log.error("failed", reason=str(error))
        return FAILED
    return DONE


def _run(settings: Settings) -> None:
    clock = SystemClock()
    log = structlog.get_logger("ingest")
    with listen(settings.host, settings.ingest_port) as sock:
        keys, secret = KeyStore(settings.keys(), clock), id_secret(settings)
        with answering(sock):
            wait_for_kafka(settings, clock, PATIENCE_SECONDS)
            config, reference = ensure_space(settings, clock)
        health = Health()
        with ReliableProducer(settings, clock, limits=record_limits(settings.space)) as producer:
            parts = Parts(
                settings=settings,
                clock=clock,
                producer=producer,
                keys=keys,
                config=config,
                reference=reference,
                registry=new_registry(),
                secret=secret,
            )
            log.info("listening", address=":".join(map(str, sock.getsockname()[:2])), space=settings.space)
            run_server(create_app(parts, health), sock, health=health)
    log.info("stopped")


if __name__ == "__main__":
    try:
        chosen = environment_settings()
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(WRONG_USE)
    sys.exit(main(chosen))
