"""The areas as a GeoJSON FeatureCollection: shapes where there are any, else points, else no geometry."""

from typing import Any

import msgspec

from schemas.reference import Area
from services.api.codebook import Codebook


def feature_collection(book: Codebook, home_area: str | None) -> dict[str, Any]:
    """Every area within the scope, parents first."""
    shapes = _shapes(book)
    features = [
        _feature(area, book, shapes.get(area.code))
        for area in book.reference.areas
        if home_area in (None, book.home_area(area.code))
    ]
    return {"type": "FeatureCollection", "features": features}


def _feature(area: Area, book: Codebook, shape: Any) -> dict[str, Any]:
    geometry = shape
    if geometry is None and area.latitude is not None and area.longitude is not None:
        geometry = {"type": "Point", "coordinates": [area.longitude, area.latitude]}
    return {
        "type": "Feature",
        "id": area.code,
        "geometry": geometry,
        "properties": {
            "code": area.code,
            "parent": area.parent or None,
            "name": area.name,
            "timezone": area.timezone,
            "home_area": book.home_area(area.code),
            "population": area.population,
        },
    }


def _shapes(book: Codebook) -> dict[str, Any]:
    """Geometry by code, of features that name one in `id` or in the property `code`."""
    collection = msgspec.json.decode(book.reference.shapes)
    if not isinstance(collection, dict):
        return {}
    shapes: dict[str, Any] = {}
    for feature in collection.get("features") or ():
        properties = feature.get("properties") or {}
        code = properties.get("code", feature.get("id"))
        if code is not None:
            shapes[str(code)] = feature.get("geometry")
    return shapes
