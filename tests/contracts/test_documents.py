"""The documents in the package are what the code generates now, and are what they claim to be."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from schemas.contracts import CONTRACTS, TOPIC_CONTRACTS
from schemas.documents.generate import HTTP_DOCUMENTS, documents, shipped
from schemas.topics import TOPICS

REFRESH = "run `groundswell schemas export --fresh schemas/documents/generated`"


def references(node: Any) -> Iterator[str]:
    """Every `$ref` of a document."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def resolve(document: Any, reference: str) -> Any:
    """What a reference inside a document points to; KeyError if nothing."""
    for part in reference.removeprefix("#/").split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


def test_the_shipped_documents_are_the_generated_ones() -> None:
    """A change of a contract shows up in the documents, in the same commit."""
    kept = {name: text for name, text in shipped().items() if name not in HTTP_DOCUMENTS}
    fresh = documents()
    assert set(kept) == set(fresh), REFRESH
    for name, text in fresh.items():
        assert kept[name] == text, f"{name} is out of date: {REFRESH}"


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.name)
def test_each_schema_is_draft_2020_12_and_resolves(contract: Any) -> None:
    """Valid by the draft's own schema, closed in itself."""
    schema = contract.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for reference in references(schema):
        assert resolve(schema, reference)


def test_asyncapi_holds_every_topic_with_key_message_and_cleanup() -> None:
    """One channel a topic; nothing that only looks like one."""
    document = json.loads(documents()["asyncapi.json"])
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        channel = document["channels"][topic.name]
        settings = channel["bindings"]["kafka"]["topicConfiguration"]
        assert ",".join(settings.pop("cleanup.policy")) == topic.config["cleanup.policy"]
        assert {name: str(value) for name, value in settings.items()}.items() <= topic.config.items()
        assert set(channel["messages"]) == set(TOPIC_CONTRACTS[topic.name])
        for reference in references(channel["messages"]):
            assert resolve(document, reference)["bindings"]["kafka"]["key"]["description"] == topic.key


def test_asyncapi_refers_to_things_that_are_there() -> None:
    """References inside the document, and to the schemas beside it."""
    fresh = documents()
    document = json.loads(fresh["asyncapi.json"])
    for reference in references(document):
        if reference.startswith("#/"):
            assert resolve(document, reference)
        else:
            assert reference.removeprefix("./") in fresh


def test_every_topic_is_sent_by_somebody() -> None:
    """A topic that nobody writes is not a topic."""
    operations = json.loads(documents()["asyncapi.json"])["operations"].values()
    sent = {
        operation["channel"]["$ref"].rpartition("/")[2] for operation in operations if operation["action"] == "send"
    }
    assert sent == {topic.name for topic in TOPICS}


@pytest.fixture(scope="module")
def http_documents() -> dict[str, Any]:
    """OpenAPI documents as the apps give them now."""
    from services.cli import http_documents as generator

    return {name: json.loads(text) for name, text in generator.http_documents().items()}


@pytest.mark.parametrize("name", HTTP_DOCUMENTS)
def test_the_shipped_openapi_is_what_the_app_says(name: str, http_documents: dict[str, Any]) -> None:
    """An endpoint that is added, changed or dropped shows up in the document, in the same commit."""
    assert json.loads(shipped()[name]) == http_documents[name], f"{name} is out of date: {REFRESH}"


@pytest.mark.parametrize("name", HTTP_DOCUMENTS)
def test_openapi_refers_to_things_that_are_there(name: str, http_documents: dict[str, Any]) -> None:
    """And the schemas of its components are valid ones of the dialect that OpenAPI 3.1 uses."""
    document = http_documents[name]
    assert document["openapi"].startswith("3.1")
    for reference in references(document):
        assert resolve(document, reference)
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("openapi-ingest.json", ["/v1/events", "/v1/sources/{source}/records", "/v1/ticks"]),
        ("openapi-api.json", ["/v1/alerts", "/v1/alerts/{id}", "/v1/alerts/stream", "/v1/series", "/v1/sources"]),
    ],
)
def test_openapi_names_the_promised_endpoints(name: str, paths: list[str], http_documents: dict[str, Any]) -> None:
    """Those of the product's contract, with health and metrics beside them."""
    shown = {path.replace("{alert_id}", "{id}") for path in http_documents[name]["paths"]}
    assert {*paths, "/health/live", "/health/ready", "/metrics"} <= shown
