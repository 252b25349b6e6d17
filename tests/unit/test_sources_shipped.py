"""The mappings that ship, on rows in the form of the real exports, and the trees that come of them."""

import gzip
import io

import pytest

from services.ingest.sources.derive import derive_reference
from services.ingest.sources.errors import BadExport
from services.ingest.sources.mapping import load_mapping, shipped_mappings
from services.ingest.sources.slugs import slug

BOSTON = """event_id,ts,category,reason,subject,region,zip,lat,lon,source
1,2015-01-08T00:20:09,Heat - Excessive  Insufficient,Housing,Inspectional,Roxbury,02119,42.33,-71.08,Constituent Call
2,2015-01-08T00:25:23,Street Light Outages,Street Lights,Public Works,Allston,02134,42.35,-71.13,Citizens Connect App
3,2015-01-08T00:26:00,Notification,Notification,Mayor,Allston / Brighton,,42.37,-71.15,Twitter
4,2015-01-08T00:27:00,Notification,Notification,Mayor,,,42.3594,-71.0587,Something New
5,2015-01-08T00:28:00,Street Light Outages,Street Lights,Public Works,,,42.36,-71.06,Self Service
6,2015-01-08T00:29:00,Street Light Outages,Street Lights,Public Works,Boston,,42.36,-71.06,
"""
NYC = """unique_key,account,opendate,closedate,complaint_type,descriptor,zip,borough,city,council_dist,community_board
N1,NYCC18,2020-08-04,,Utilities,Outage,11373,Queens,Elmhurst,NYCC21,04 Queens
N2,NYCC18,2020-08-04,,Utilities,,11373,Queens,Elmhurst,NYCC21,0230458
N3,NYCC18,2020-08-04,,Select One,Outage,1A-?,,,,
"""


def calls(name: str, text: str) -> list[dict[str, object]]:
    rows = list(load_mapping(name).read(io.BytesIO(gzip.compress(text.encode())), file_name="export.csv.gz"))
    assert [row.problem for row in rows if row.problem] == []
    return [row.call for row in rows if row.call]


def test_these_mappings_ship() -> None:
    assert shipped_mappings() == ("call-event", "boston311", "nyc-council")


def test_boston_rows_become_calls() -> None:
    found = calls("boston311", BOSTON)
    assert found[0] == {
        "id": "1",
        "source": "boston311",
        "time": "2015-01-08T05:20:09Z",
        "line": "311",
        "type": "service_request",
        "needs": ["heat-excessive-insufficient"],
        "area": "boston-roxbury",
        "channel": "phone",
    }
    assert [one.get("area") for one in found[1:]] == [
        "boston-allston-brighton", "boston-allston-brighton", None, None, "boston",
    ]  # fmt: skip
    assert [one.get("channel") for one in found[1:]] == ["app", "other", "other", "web", None]


def test_the_default_point_of_boston_is_no_place() -> None:
    found = calls("boston311", BOSTON)
    assert "latitude" not in found[3]
    assert (found[4]["latitude"], found[4]["longitude"]) == (42.36, -71.06)


def test_cases_of_the_council_stand_at_local_noon_under_their_board() -> None:
    found = calls("nyc-council", NYC)
    assert [one["time"] for one in found] == ["2020-08-04T16:00:00Z"] * 3
    assert [one["needs"] for one in found] == [["utilities.outage"], ["utilities"], []]
    assert [one.get("area") for one in found] == ["nyc-04-queens", "nyc-queens", None]


def test_trees_come_from_the_texts_of_the_export() -> None:
    mapping = load_mapping("boston311")
    labels = mapping.labels(io.BytesIO(BOSTON.encode()))
    reference, years = derive_reference(mapping.home, labels)
    assert years == (2015, 2015)
    assert [(one.code, one.parent, one.name, one.timezone) for one in reference.areas] == [
        ("boston", "", "Boston", "America/New_York"),
        ("boston-allston-brighton", "boston", "Allston", "America/New_York"),
        ("boston-roxbury", "boston", "Roxbury", "America/New_York"),
    ]
    assert (reference.areas[1].latitude, reference.areas[1].longitude) == (42.36, -71.14)
    assert [(one.code, one.parent, one.name_en, one.line) for one in reference.needs] == [
        ("reason.housing", "", "Housing", ""),
        ("reason.notification", "", "Notification", ""),
        ("reason.street-lights", "", "Street Lights", ""),
        ("heat-excessive-insufficient", "reason.housing", "Heat - Excessive  Insufficient", "311"),
        ("notification", "reason.notification", "Notification", "311"),
        ("street-light-outages", "reason.street-lights", "Street Light Outages", "311"),
    ]


def test_the_order_of_the_rows_does_not_change_the_trees() -> None:
    mapping = load_mapping("boston311")
    header, *rows = BOSTON.strip().splitlines()
    turned = "\n".join([header, *reversed(rows)])
    one, other = (derive_reference(mapping.home, mapping.labels(io.BytesIO(t.encode()))) for t in (BOSTON, turned))
    assert one == other


def test_call_events_name_no_texts_to_make_trees_of() -> None:
    with pytest.raises(BadExport, match="name codes only"):
        list(load_mapping("call-event").labels(io.BytesIO(b"{}")))


def test_a_slug_is_a_code_of_at_most_64_and_differs_when_its_text_does() -> None:
    long = "A very long category " * 9
    codes = {slug(long + "a", "p."), slug(long + "b", "p."), slug("住房"), slug("住"), slug("contacts"), slug("a  b")}
    assert len(codes) == 6
    assert max(map(len, codes)) == 64
