"""The documents that `schemas` can make by itself, by file name."""

import json
from importlib import resources
from typing import Any

from schemas.contracts import CONTRACTS
from schemas.documents.asyncapi import asyncapi

FOLDER = resources.files("schemas.documents") / "generated"
"""Where the documents lie in the package."""

HTTP_DOCUMENTS = ("openapi-ingest.json", "openapi-api.json")
"""Made from the services' apps, which this package does not know."""


def documents() -> dict[str, str]:
    """File name to text: a JSON Schema for each contract, and the AsyncAPI document."""
    schemas = {contract.file: contract.schema() for contract in CONTRACTS.values()}
    return {name: render(document) for name, document in {**schemas, "asyncapi.json": asyncapi()}.items()}


def render(document: dict[str, Any]) -> str:
    """A document as text; the same document gives the same text.

    >>> render({"b": 1, "a": "é"})
    '{\\n  "b": 1,\\n  "a": "é"\\n}\\n'
    """
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def shipped() -> dict[str, str]:
    """File name to text of every document in the package, OpenAPI included."""
    return {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir() if file.name.endswith(".json")}
