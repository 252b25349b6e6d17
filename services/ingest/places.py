"""Where help is needed: from what a call says to an area code and a home area. Pure."""

import re
from dataclasses import dataclass

from schemas.codec import CallEventRow, Refusal
from schemas.codes import UNMAPPED
from schemas.reference import Reference
from services.ingest.shapes import AreaFinder

_ZIP = re.compile(r"(\d{5})(?:-?\d{4})?\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """Area as it goes to the log and the home area that takes the call.

    None: no place is known. `unmapped`: a code that the tree lacks; its text goes no further, it may be anything.
    """

    area: str | None
    home_area: str


class Places:
    """Resolves places for one reference.

    Args:
        reference: the areas in force.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._finder = AreaFinder(reference)
        self._prefixes = _prefixes(reference)
        homes = reference.home_areas
        self._homes = frozenset(homes)
        self._only_home = homes[0] if len(homes) == 1 else None

    def resolve(self, row: CallEventRow, key_home_area: str | None) -> Place:
        """The place of a call.

        Args:
            key_home_area: home area of the key: takes calls without a known place, refuses those of other home areas.

        Raises:
            Refusal: no home area can be told, or it is not the key's, or the key's is none; field `area`.
        """
        if key_home_area is not None and key_home_area not in self._homes:
            raise Refusal("area", "cannot be placed: the home area of this key is not one of the reference data")
        area = self._area(row)
        found = self._reference.home_area(area) if area is not None else None
        home = found or key_home_area or self._only_home
        if home is None:
            raise Refusal(
                "area", "is not known, and neither the key nor the reference names one home area for such calls"
            )
        if key_home_area is not None and home != key_home_area:
            raise Refusal("area", "lies outside the home area of this key")
        return Place(UNMAPPED if area is not None and found is None else area, home)

    def _area(self, row: CallEventRow) -> str | None:
        if row.area is not None:
            return row.area
        if row.postal_code is not None and (found := self.by_postal_code(row.postal_code)):
            return found
        if row.latitude is not None and row.longitude is not None:
            return self._finder.find(row.latitude, row.longitude)
        return None

    def by_postal_code(self, postal_code: str) -> str | None:
        """Area of a postal code: an area of that code, or one whose `fsa` column names its first three characters."""
        plain = postal_code.upper().replace(" ", "")
        zip_code = _ZIP.match(plain)
        for code in (plain, plain.replace("-", ""), zip_code[1] if zip_code else plain, postal_code):
            if code in self._reference.area_by_code:
                return code
        return self._prefixes.get(plain[:3])


def _prefixes(reference: Reference) -> dict[str, str]:
    """First three characters of Canadian postal codes → the deepest area that names them."""
    found: dict[str, str] = {}
    for area in sorted(reference.areas, key=lambda one: len(reference.area_path(one.code))):
        for prefix in re.split(r"[\s;,|]+", area.fsa or ""):
            if prefix:
                found[prefix.upper()[:3]] = area.code
    for area in reference.areas:
        if re.fullmatch(r"[A-Z]\d[A-Z]", area.code):
            found.setdefault(area.code, area.code)
    return found
