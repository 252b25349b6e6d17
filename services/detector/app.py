"""The Faust application: the only place that knows Faust.

What Faust is used for: membership of the consumer group, assignment of partitions, fetching. What it is not trusted
with: committed offsets (an exception in an agent acknowledges the record all the same), tables, windows, web server.
So the consumer seeks to the snapshot's own offset whenever partitions are assigned, and an unexpected exception ends
the process.
"""

import asyncio
import logging
import os
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import faust
import structlog
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from schemas.topics import CALLS
from services.detector.host import Gap, Host
from services.detector.space import group_of
from services.runtime.settings import Settings

log = structlog.get_logger("detector")

STATUS_SECONDS = 1.0
MOST_REWINDS = 3
CRASHED = 1
RECOVERY_SECONDS = 900.0
"""Faust gives up a recovery after this and then stands still: a rebuild reads the whole log that is still held."""

MakeHost = Callable[[asyncio.AbstractEventLoop], Host]


def build(settings: Settings, make_host: MakeHost) -> faust.App:
    """A Faust application over a host, which is made when the loop runs."""
    app = _App(
        group_of(settings.space),
        broker=[f"kafka://{address.strip()}" for address in settings.kafka_bootstrap.split(",")],
        broker_credentials=_credentials(settings),
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        topic_partitions=settings.partitions,
        table_standby_replicas=0,
        stream_wait_empty=False,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=2.0,
        broker_rebalance_timeout=15.0,
        broker_request_timeout=RECOVERY_SECONDS,
        broker_commit_interval=5.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=20 * 1024 * 1024,
    )
    name = CALLS.in_space(settings.space)
    topic = app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    keeper = _Keeper(app, make_host, name)
    app.transport.Consumer = keeper.consumer_class()

    @app.agent(topic, name="fold")  # type: ignore[untyped-decorator]  # faust is not typed
    async def fold(stream: Any) -> None:
        async for event in stream.events():
            await keeper.take(event.message)

    @app.timer(interval=float(settings.snapshot_seconds))  # type: ignore[untyped-decorator]
    async def save() -> None:
        await keeper.guarded(keeper.save())

    @app.timer(interval=STATUS_SECONDS)  # type: ignore[untyped-decorator]
    async def status() -> None:
        await keeper.guarded(keeper.tell_status())

    return app


class _App(faust.App):  # type: ignore[misc]  # faust is not typed
    """Without the folder for tables that Faust makes where it was started: all state is on Kafka."""

    def _create_directories(self) -> None:
        """None is needed."""


def run(app: faust.App) -> int:
    """Run until a signal; 0 after a clean stop, 1 when a service of Faust's own failed."""
    for name in ("faust", "mode", "aiokafka"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        faust.Worker(app, override_logging=False, redirect_stdouts=False, quiet=True).execute_from_commandline()
    except SystemExit as ended:
        return CRASHED if ended.code else 0
    return 0


class _Keeper:
    """Between Faust's callbacks and the host."""

    def __init__(self, app: faust.App, make_host: MakeHost, topic: str) -> None:
        self._app, self._make_host, self._topic = app, make_host, topic
        self._host: Host | None = None
        self._rewinds: dict[tuple[int, int], int] = {}

    @property
    def host(self) -> Host:
        """Made at first use, inside the running loop."""
        if self._host is None:
            self._host = self._make_host(asyncio.get_running_loop())
        return self._host

    def consumer_class(self) -> type[Consumer]:
        """A consumer that reads on where the snapshots end, not where the group committed."""
        keeper = self

        class SnapshotConsumer(Consumer):  # type: ignore[misc]  # faust is not typed
            async def perform_seek(self) -> None:
                await keeper.guarded(keeper.seek(self))

            async def on_partitions_revoked(self, revoked: set[TP]) -> None:
                await keeper.guarded(keeper.give_up(revoked))
                await super().on_partitions_revoked(revoked)

            async def on_stop(self) -> None:
                await keeper.guarded(keeper.save())
                await super().on_stop()

        return SnapshotConsumer

    async def guarded(self, work: Awaitable[None]) -> None:
        """Faust would swallow an exception here and go on; the process ends instead, and the log replays."""
        try:
            await work
        except Exception:  # the outermost loop of the process
            log.exception("crashed")
            os._exit(CRASHED)

    async def seek(self, consumer: Any) -> None:
        """Every assigned partition of the call topic: take it over, and read from its next offset."""
        for place in sorted(consumer.assignment()):
            if place.topic == self._topic:
                await consumer.seek(place, await self.host.take_over(place.partition))

    async def give_up(self, revoked: set[TP]) -> None:
        """Partitions leave this worker."""
        partitions = {place.partition for place in revoked if place.topic == self._topic}
        if partitions and self._host is not None:
            await self._host.give_up(partitions)

    async def take(self, message: Any) -> None:
        """One record from the stream."""
        await self.guarded(self._fold(message))

    async def _fold(self, message: Any) -> None:
        at_ms = round(message.timestamp * 1000)
        try:
            await self.host.fold(message.partition, message.offset, message.key, message.value, at_ms)
        except Gap as gap:
            await self._rewind(gap)

    async def _rewind(self, gap: Gap) -> None:
        """A record left over from before a seek: read again from where the state stands; a real gap ends all."""
        place = (gap.partition, gap.expected)
        self._rewinds[place] = self._rewinds.get(place, 0) + 1
        if self._rewinds[place] > MOST_REWINDS:
            raise gap
        log.warning("rewind", partition=gap.partition, expected=gap.expected, came=gap.came)
        await self._app.consumer.seek(TP(self._topic, gap.partition), gap.expected)

    async def save(self) -> None:
        """Snapshots of all partitions."""
        if self._host is not None:
            await self._host.save()

    async def tell_status(self) -> None:
        """Positions of all partitions."""
        if self._host is not None:
            ends = {number: self._app.consumer.highwater(TP(self._topic, number)) or 0 for number in self._host.workers}
            await self._host.tell_status(ends)


def _credentials(settings: Settings) -> Any:
    """Faust's form of the Kafka security settings."""
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return None
    context = None
    if protocol.endswith("SSL"):
        context = ssl.create_default_context(cafile=settings.kafka_ssl_cafile)
        if settings.kafka_ssl_certfile is not None:
            password = settings.kafka_ssl_password
            context.load_cert_chain(
                settings.kafka_ssl_certfile,
                settings.kafka_ssl_keyfile,
                password.get_secret_value() if password is not None else None,
            )
    if protocol.startswith("SASL"):
        secret = settings.kafka_sasl_password
        return faust.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=secret.get_secret_value() if secret is not None else None,
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context=context)
