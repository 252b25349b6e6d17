"""TLS and SASL settings reach every client: kafka-python's, Faust's, PostgreSQL's."""

import ast
import ssl
from pathlib import Path
from typing import Any

import certifi
import faust
import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from services.api.database import Database
from services.detector.app import _credentials
from services.runtime.kafka import client_options
from services.runtime.settings import Settings, load_settings

SERVICES = Path(__file__).parent.parent.parent / "services"
CLIENTS = ("KafkaConsumer", "KafkaProducer", "KafkaAdminClient")
ENVIRON = {
    "KAFKA_SASL_USERNAME": "groundswell",
    "KAFKA_SASL_PASSWORD": "a password",
    "KAFKA_SSL_CAFILE": certifi.where(),
}


def secured(protocol: str, mechanism: str = "SCRAM-SHA-512", **more: str) -> Settings:
    said = ENVIRON | {"KAFKA_SECURITY_PROTOCOL": protocol, "KAFKA_SASL_MECHANISM": mechanism} | more
    return load_settings({f"GROUNDSWELL_{name}": value for name, value in said.items()})


@pytest.mark.parametrize("client", [KafkaConsumer, KafkaProducer, KafkaAdminClient])
def test_every_option_is_one_that_the_client_knows(client: Any) -> None:
    options = client_options(secured("SASL_SSL", KAFKA_SSL_CERTFILE="c.pem", KAFKA_SSL_KEYFILE="k.pem"))
    unknown = set(options) - set(client.DEFAULT_CONFIG)
    assert not unknown
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("groundswell", "a password")
    assert (options["ssl_cafile"], options["ssl_certfile"]) == (certifi.where(), "c.pem")
    assert client.DEFAULT_CONFIG["ssl_check_hostname"], "the broker's name is checked unless somebody says otherwise"


def test_no_client_is_made_without_these_options() -> None:
    made = []
    for file in sorted(SERVICES.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLIENTS:
                spread = [ast.unparse(word.value) for word in node.keywords if word.arg is None]
                made.append((file.name, any("options" in one for one in spread)))
    assert len(made) >= 5
    assert all(with_options for _, with_options in made), made


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_faust_gets_the_same_name_password_and_mechanism(protocol: str, mechanism: str) -> None:
    options = credentials_to_aiokafka_auth(_credentials(secured(protocol, mechanism)))
    assert options["security_protocol"] == protocol
    assert options["sasl_mechanism"] == mechanism
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("groundswell", "a password")
    assert (options["ssl_context"] is not None) == (protocol == "SASL_SSL")


def test_faust_checks_the_brokers_certificate_and_name() -> None:
    credentials = _credentials(secured("SSL"))
    assert isinstance(credentials, faust.SSLCredentials)
    options = credentials_to_aiokafka_auth(credentials)
    assert options["security_protocol"] == "SSL"
    assert options["ssl_context"].verify_mode == ssl.CERT_REQUIRED
    assert options["ssl_context"].check_hostname


def test_without_security_settings_nothing_is_asked_for() -> None:
    assert _credentials(Settings()) is None
    assert client_options(Settings())["security_protocol"] == "PLAINTEXT"


def test_what_postgresql_is_told_about_tls_stays_in_the_address() -> None:
    address = (
        "postgresql://u:p@db.example/groundswell?sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem"
    )
    database = Database(address)
    _, words = database.engine.dialect.create_connect_args(database.engine.url)
    database.close()
    assert {name: words[name] for name in ("sslmode", "sslrootcert", "sslcert", "sslkey")} == {
        "sslmode": "verify-full",
        "sslrootcert": "/ca.pem",
        "sslcert": "/c.pem",
        "sslkey": "/k.pem",
    }


def test_a_password_is_not_shown_when_settings_are() -> None:
    shown = repr(secured("SASL_SSL")) + str(secured("SASL_SSL"))
    assert "a password" not in shown
