"""Times of a CRM: formats, zones, the hour that comes twice and the one that never comes."""

import pytest

from services.ingest.sources.errors import BadRow
from services.ingest.sources.spec import Time
from services.ingest.sources.times import Times


def times(**entries: object) -> Times:
    return Times(Time.model_validate({"column": "when", "zone": "America/New_York", **entries}))


@pytest.mark.parametrize(
    ("formats", "text", "utc"),
    [
        (["iso"], "2015-01-08T07:30:00", "2015-01-08T12:30:00+00:00"),
        (["iso"], "2015-07-08T07:30:00", "2015-07-08T11:30:00+00:00"),
        (["iso"], "2015-07-08T07:30:00-06:00", "2015-07-08T13:30:00+00:00"),
        (["iso"], "2015-07-08T07:30:00Z", "2015-07-08T07:30:00+00:00"),
        (["%m/%d/%Y %I:%M:%S %p"], "01/08/2015 07:30:00 PM", "2015-01-09T00:30:00+00:00"),
        (["unix"], "1420720200", "2015-01-08T12:30:00+00:00"),
        (["unix_ms"], "1420720200000", "2015-01-08T12:30:00+00:00"),
        (["iso", "%m/%d/%Y %H:%M"], "01/08/2015 07:30", "2015-01-08T12:30:00+00:00"),
    ],
)
def test_a_time_is_read_in_the_first_format_that_fits(formats: list[str], text: str, utc: str) -> None:
    assert times(formats=formats).instant(text).isoformat() == utc


@pytest.mark.parametrize("formats", [["iso"], ["%Y-%m-%d"]])
def test_a_day_without_a_clock_stands_at_noon_or_where_the_mapping_says(formats: list[str]) -> None:
    assert times(formats=formats).instant("2020-08-04").isoformat() == "2020-08-04T16:00:00+00:00"
    assert times(formats=formats, at="08:30:00").instant("2020-08-04").isoformat() == "2020-08-04T12:30:00+00:00"


@pytest.mark.parametrize(("which", "utc"), [("first", "05:30"), ("second", "06:30")])
def test_the_hour_that_comes_twice_is_read_as_the_mapping_says(which: str, utc: str) -> None:
    assert times(ambiguous=which).instant("2015-11-01T01:30:00").isoformat() == f"2015-11-01T{utc}:00+00:00"


def test_the_order_of_the_rows_tells_the_two_hours_apart() -> None:
    clock = times(ambiguous="order")
    local = ["00:50", "01:10", "01:50", "01:05", "01:40", "02:10"]
    read = [clock.instant(f"2015-11-01T{text}:00").strftime("%H:%M") for text in local]
    assert read == ["04:50", "05:10", "05:50", "06:05", "06:40", "07:10"]


def test_an_hour_that_spring_left_out_counts_on_from_the_old_offset() -> None:
    assert times().instant("2015-03-08T02:30:00").isoformat() == "2015-03-08T07:30:00+00:00"


@pytest.mark.parametrize("text", ["", "yesterday", "2015-13-01", "nan", "inf", "1e300", "9999-12-31T23:59:59"])
def test_what_is_no_time_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(BadRow) as refused:
        times(formats=["iso", "unix"]).instant(text)
    assert refused.value.field == "time"
    assert not text or text not in str(refused.value)
