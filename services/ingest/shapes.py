"""Points to areas: point in polygon of areas.geojson, else the nearest area with coordinates. Pure."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas.reference import Area, Reference

CELLS_PER_DEGREE = 8
MAX_CELLS = 4096
"""A shape that covers more cells of the grid is looked at for every point."""
NEAREST_KM = 50.0
KM_PER_DEGREE = 111.2
NAMES = ("code", "area", "id")

Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """One polygon of an area: longitude and latitude of its rings, the first the outer one."""

    code: str
    depth: int
    rings: tuple[Ring, ...]
    west: float
    south: float
    east: float
    north: float

    def contains(self, longitude: float, latitude: float) -> bool:
        """Whether a point lies inside: an odd number of crossings over all rings."""
        if not (self.west <= longitude <= self.east and self.south <= latitude <= self.north):
            return False
        inside = False
        for ring in self.rings:
            x1, y1 = ring[-1]
            for x2, y2 in ring:
                if (y1 > latitude) != (y2 > latitude) and longitude < (x2 - x1) * (latitude - y1) / (y2 - y1) + x1:
                    inside = not inside
                x1, y1 = x2, y2
        return inside


class AreaFinder:
    """Finds the deepest area around a point.

    Args:
        reference: areas with coordinates, and shapes whose features carry the area's code as `code`, `area` or `id`.
    """

    def __init__(self, reference: Reference) -> None:
        self._everywhere: list[Shape] = []
        self._cells: dict[tuple[int, int], list[Shape]] = {}
        for shape in shapes_of(reference):
            self._place(shape)
        parents = {area.parent for area in reference.areas}
        located = [area for area in reference.areas if area.latitude is not None and area.longitude is not None]
        leaves = [area for area in located if area.code not in parents] or located
        self._points = tuple(_point(area) for area in leaves)

    def find(self, latitude: float, longitude: float) -> str | None:
        """Code of the area; None when no shape holds the point and no area lies within 50 km."""
        nearby = self._cells.get(_cell(longitude, latitude), [])
        found = [shape for shape in (*nearby, *self._everywhere) if shape.contains(longitude, latitude)]
        if found:
            return max(found, key=lambda shape: (shape.depth, shape.code)).code
        return self._nearest(latitude, longitude)

    def _place(self, shape: Shape) -> None:
        west, south = _cell(shape.west, shape.south)
        east, north = _cell(shape.east, shape.north)
        if (east - west + 1) * (north - south + 1) > MAX_CELLS:
            self._everywhere.append(shape)
            return
        for x in range(west, east + 1):
            for y in range(south, north + 1):
                self._cells.setdefault((x, y), []).append(shape)

    def _nearest(self, latitude: float, longitude: float) -> str | None:
        shrink = math.cos(math.radians(latitude))
        limit = (NEAREST_KM / KM_PER_DEGREE) ** 2
        best, code = limit, None
        for area, y, x in self._points:
            distance = (y - latitude) ** 2 + ((x - longitude) * shrink) ** 2
            if distance <= best:
                best, code = distance, area
        return code


def _point(area: Area) -> tuple[str, float, float]:
    return area.code, area.latitude or 0.0, area.longitude or 0.0


def _cell(longitude: float, latitude: float) -> tuple[int, int]:
    return math.floor(longitude * CELLS_PER_DEGREE), math.floor(latitude * CELLS_PER_DEGREE)


def shapes_of(reference: Reference) -> Iterator[Shape]:
    """The polygons of the reference's shapes whose areas the tree knows; others are left out."""
    body = msgspec.json.decode(reference.shapes)
    for feature in (body or {}).get("features", ()):
        code = _code(feature, reference)
        if code is None:
            continue
        depth = len(reference.area_path(code))
        for polygon in _polygons(feature.get("geometry") or {}):
            rings = tuple(tuple((float(p[0]), float(p[1])) for p in ring) for ring in polygon if len(ring) >= 3)
            if rings:
                yield Shape(code, depth, rings, *_bounds(rings[0]))


def _code(feature: dict[str, Any], reference: Reference) -> str | None:
    properties = feature.get("properties") or {}
    given: Iterable[Any] = (*(properties.get(name) for name in NAMES), feature.get("id"))
    return next((str(one) for one in given if one is not None and str(one) in reference.area_by_code), None)


def _polygons(geometry: dict[str, Any]) -> list[Any]:
    coordinates = geometry.get("coordinates") or []
    if geometry.get("type") == "Polygon":
        return [coordinates]
    return list(coordinates) if geometry.get("type") == "MultiPolygon" else []


def _bounds(ring: Ring) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return min(xs), min(ys), max(xs), max(ys)
