"""A series as CSV; what goes to others holds no cell under the floor and no sensitive need below the county."""

import csv
import io
from collections.abc import Sequence

from services.api.codebook import Codebook
from services.api.disclosure import FLOOR
from services.api.read_series import Bucket
from services.api.times import zulu

HEADER = ("start", "need", "area", "observed", "expected", "band_low", "band_high", "open", "suppressed")
COUNTY_DEPTH = 2
"""A home area and its children: a sensitive need goes no finer outside."""


def series_csv(buckets: Sequence[Bucket], need: str, area: str, *, for_others: bool) -> str:
    """Lines with a header.

    >>> print(series_csv([Bucket(0, 3, 2.0, 1.0, 4.0), Bucket(3600000, 9)], "BH", "east", for_others=True), end="")
    start,need,area,observed,expected,band_low,band_high,open,suppressed
    1970-01-01T00:00:00Z,BH,east,,,,,false,true
    1970-01-01T01:00:00Z,BH,east,9,,,,false,false
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(HEADER)
    for one in buckets:
        is_small = for_others and 0 < one.observed < FLOOR
        numbers = (one.observed if one.known else None, one.expected, one.band_low, one.band_high)
        shown = ("",) * 4 if is_small else tuple("" if value is None else value for value in numbers)
        lines.writerow((zulu(one.start), need, area, *shown, _word(one.open), _word(is_small)))
    return text.getvalue()


def may_leave(book: Codebook, need: str, area: str) -> bool:
    """Whether a need may be told to others for an area this small."""
    found = book.reference.need_by_code.get(need)
    if found is None or not _is_sensitive(book, need):
        return True
    return area in book.reference.area_by_code and len(book.reference.area_path(area)) <= COUNTY_DEPTH


def _is_sensitive(book: Codebook, code: str) -> bool:
    need = book.reference.need_by_code.get(code)
    while need is not None and not need.sensitive:
        need = book.reference.need_by_code.get(need.parent)
    return need is not None


def _word(value: bool) -> str:
    return "true" if value else "false"
