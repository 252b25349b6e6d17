"""Every contract has good and bad examples; each is what it says, and none is left over."""

import json
from pathlib import Path

import jsonschema
import pytest

from schemas.contracts import CONTRACTS, OPAQUE, TOPIC_CONTRACTS
from schemas.refusal import Refusal
from schemas.topics import TOPICS

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
GOOD = sorted(EXAMPLES.glob("*/good/*.json"))
BAD = sorted(EXAMPLES.glob("*/bad/*.json"))

BEYOND_JSON_SCHEMA = {
    "call-event/cut-off": "not JSON at all",
    "call-event/leap-second": "a pattern does not know the calendar",
    "call-event/code-with-line-break": "this validator uses Python's `$`, ECMA's refuses it",
    "log-record/stamps-missing": "two lengths cannot be compared",
}
"""Bad examples that only the readers refuse, with the reason."""


def name_of(path: Path) -> str:
    """`contract/example`."""
    return f"{path.parts[-3]}/{path.stem}"


@pytest.mark.parametrize("path", GOOD, ids=name_of)
def test_a_good_example_is_read_and_fits_the_published_schema(path: Path) -> None:
    """What we show to others must work, with our reader and with anybody's validator."""
    contract = CONTRACTS[path.parts[-3]]
    contract.check(path.read_bytes())
    jsonschema.Draft202012Validator(contract.schema()).validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("path", BAD, ids=name_of)
def test_a_bad_example_is_refused_for_the_reason_beside_it(path: Path) -> None:
    """Field and reason, word for word."""
    with pytest.raises(Refusal) as refused:
        CONTRACTS[path.parts[-3]].check(path.read_bytes())
    assert str(refused.value) == path.with_suffix(".reason").read_text(encoding="utf-8").rstrip("\n")


@pytest.mark.parametrize("path", [path for path in BAD if name_of(path) not in BEYOND_JSON_SCHEMA], ids=name_of)
def test_a_bad_example_does_not_fit_the_published_schema(path: Path) -> None:
    """Who validates with the JSON Schema before posting is not surprised by a 422."""
    schema = CONTRACTS[path.parts[-3]].schema()
    assert not jsonschema.Draft202012Validator(schema).is_valid(json.loads(path.read_bytes()))


def test_the_exceptions_to_json_schema_are_real() -> None:
    """An exception that is no longer one is taken off the list."""
    assert set(BEYOND_JSON_SCHEMA) <= set(map(name_of, BAD))
    for path in BAD:
        if name_of(path) in BEYOND_JSON_SCHEMA and name_of(path) != "call-event/cut-off":
            schema = CONTRACTS[path.parts[-3]].schema()
            assert jsonschema.Draft202012Validator(schema).is_valid(json.loads(path.read_bytes()))


def test_no_contract_is_without_examples_and_no_example_without_contract() -> None:
    """Both kinds for each; nothing else lies in the folder."""
    assert {path.parts[-3] for path in GOOD} == {path.parts[-3] for path in BAD} == set(CONTRACTS)
    reasons = {path.with_suffix(".reason") for path in BAD}
    files = {path for path in EXAMPLES.rglob("*") if path.is_file()}
    assert files == {*GOOD, *BAD, *reasons}


def test_every_topic_has_a_contract_and_every_contract_a_use() -> None:
    """`call-event` comes over HTTP; all others travel on a topic."""
    assert set(TOPIC_CONTRACTS) == {topic.name for topic in TOPICS}
    on_topics = {name for names in TOPIC_CONTRACTS.values() for name in names}
    assert on_topics - {OPAQUE} == set(CONTRACTS) - {"call-event"}
    assert all(TOPIC_CONTRACTS.values())
