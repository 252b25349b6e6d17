"""What can go wrong with the embedded broker; every message is a sentence that says what to do."""


class EmbeddedKafkaError(RuntimeError):
    """The embedded Apache Kafka cannot do what was asked."""


class JarsUnavailable(EmbeddedKafkaError):
    """Kafka's jars are not in the cache and cannot be fetched."""


class WrongChecksum(EmbeddedKafkaError):
    """A jar is not the file that this release was tested with."""


class JavaMissing(EmbeddedKafkaError):
    """The wheel that brings the Java runtime is not installed, or does not run here."""


class PortTaken(EmbeddedKafkaError):
    """Another program listens on the port that was asked for."""


class FolderInUse(EmbeddedKafkaError):
    """Another live broker holds the data folder."""


class KafkaDied(EmbeddedKafkaError):
    """The broker's process ended by itself."""


class KafkaNotReady(EmbeddedKafkaError):
    """The broker runs but did not answer in time."""
