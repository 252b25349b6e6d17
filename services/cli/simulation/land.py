"""The land: invented names, a tree of areas, polygons that tile it; in the open Atlantic, where nobody lives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.reference import Area

HOME = "marrow"
ZONE = "America/New_York"
COLUMNS, ROWS = 6, 4
SOUTH, WEST = 37.6, -58.2
STEP_LATITUDE, STEP_LONGITUDE = 0.2, 0.26

COUNTIES = ("Westmere", "Marrow", "Easthollow")
DISTRICTS = ("Northfell", "Kettle Bay", "Marrow Heights", "Old Marrow", "Larkspur", "Saltmarsh")
NEIGHBOURHOODS = (
    "Alder Row", "Brightwater", "Cinder Hill", "Dovecote", "Elmgate", "Foxley", "Gannet Point", "Harrow Mills",
    "Inkwell", "Juniper Flats", "Kiln Lane", "Lower Quay", "Millrace", "Nettlebed", "Oakhaven", "Pilgrim's Rest",
    "Quarry End", "Redbrook", "Sparrow Green", "Tanner's Yard", "Underwood", "Vesper", "Willowbank", "Yarrow",
)  # fmt: skip

Corner = tuple[float, float]
"""Longitude, latitude: the order of GeoJSON."""


@dataclass(frozen=True)
class Leaf:
    """A neighbourhood: a cell of the grid."""

    code: str
    column: int
    row: int
    people: int
    district: str
    county: str


@dataclass(frozen=True)
class Land:
    """All areas, with their outlines."""

    areas: tuple[Area, ...]
    """Parents first."""
    leaves: tuple[Leaf, ...]
    outlines: dict[str, tuple[Corner, ...]]
    """Closed rings by area code."""

    def geojson(self) -> dict[str, object]:
        """The outlines as a FeatureCollection."""
        names = {area.code: area.name for area in self.areas}
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": code,
                    "properties": {"code": code, "name": names[code]},
                    "geometry": {"type": "Polygon", "coordinates": [[list(corner) for corner in ring]]},
                }
                for code, ring in self.outlines.items()
            ],
        }


def make_land(randomness: np.random.Generator) -> Land:
    """Three counties of two districts of four neighbourhoods each."""
    corners = _corners(randomness)
    people = (randomness.lognormal(9.9, 0.45, COLUMNS * ROWS) // 100 * 100).astype(int)
    leaves = tuple(_leaf(place, int(people[place])) for place in range(COLUMNS * ROWS))
    blocks: dict[str, tuple[str, str, tuple[int, int, int, int]]] = {HOME: ("", "Marrow Sound", (0, COLUMNS, 0, ROWS))}
    for number, county in enumerate(COUNTIES):
        code = f"{HOME}-c{number + 1}"
        blocks[code] = (HOME, f"{county} County", (2 * number, 2 * number + 2, 0, ROWS))
        for half in range(2):
            name = DISTRICTS[2 * number + half]
            span = (2 * number, 2 * number + 2, 2 - 2 * half, 4 - 2 * half)
            blocks[f"{HOME}-d{2 * number + half + 1}"] = (code, name, span)
    for leaf, name in zip(leaves, NEIGHBOURHOODS, strict=True):
        blocks[leaf.code] = (leaf.district, name, (leaf.column, leaf.column + 1, leaf.row, leaf.row + 1))
    outlines = {code: _outline(corners, *span) for code, (_, _, span) in blocks.items()}
    counted = {code: _people(leaves, span) for code, (_, _, span) in blocks.items()}
    areas = tuple(
        _area(code, parent, name, outlines[code], counted[code]) for code, (parent, name, _) in blocks.items()
    )
    return Land(areas, leaves, outlines)


def _leaf(place: int, people: int) -> Leaf:
    column, row = place % COLUMNS, place // COLUMNS
    county = column // 2
    district = 2 * county + (1 if row < 2 else 0)
    return Leaf(f"{HOME}-{place + 1:02d}", column, row, people, f"{HOME}-d{district + 1}", f"{HOME}-c{county + 1}")


def _corners(randomness: np.random.Generator) -> NDArray[np.float64]:
    """Corners of the grid, shifted a little; shape (ROWS + 1, COLUMNS + 1, 2), last axis longitude, latitude."""
    rows, columns = np.mgrid[0 : ROWS + 1, 0 : COLUMNS + 1].astype(float)
    shift = randomness.uniform(-0.22, 0.22, (ROWS + 1, COLUMNS + 1, 2))
    return np.stack(
        [
            WEST + (columns + shift[..., 0]) * STEP_LONGITUDE,
            SOUTH + (rows + shift[..., 1]) * STEP_LATITUDE,
        ],
        axis=-1,
    ).round(4)


def _outline(corners: NDArray[np.float64], left: int, right: int, low: int, high: int) -> tuple[Corner, ...]:
    """The ring around a block of cells, counter-clockwise, first corner again at the end."""
    around = [(low, column) for column in range(left, right)]
    around += [(row, right) for row in range(low, high)]
    around += [(high, column) for column in range(right, left, -1)]
    around += [(row, left) for row in range(high, low, -1)]
    ring = [(float(corners[row, column, 0]), float(corners[row, column, 1])) for row, column in around]
    return (*ring, ring[0])


def _people(leaves: tuple[Leaf, ...], span: tuple[int, int, int, int]) -> int:
    left, right, low, high = span
    return sum(leaf.people for leaf in leaves if left <= leaf.column < right and low <= leaf.row < high)


def _area(code: str, parent: str, name: str, ring: tuple[Corner, ...], people: int) -> Area:
    longitude, latitude = np.mean(np.array(ring[:-1]), axis=0)
    return Area(code, parent, name, round(float(latitude), 4), round(float(longitude), 4), ZONE, people)
