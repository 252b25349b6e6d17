"""The made-up region: areas with shapes, a tree of needs, and the hours of any series."""

from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
AREAS: list[tuple[str, str | None, str, str | None, tuple[float, float]]] = [
    ("TX-HOU", None, "Houston region", "America/Chicago", (-95.37, 29.76)),
    ("TX-HARRIS", "TX-HOU", "Harris County", None, (-95.39, 29.85)),
    ("TX-DT", "TX-HARRIS", "Downtown", None, (-95.36, 29.75)),
    ("TX-MID", "TX-HARRIS", "Midtown", None, (-95.42, 29.74)),
    ("TX-HTS", "TX-HARRIS", "Heights", None, (-95.42, 29.80)),
    ("TX-EE", "TX-HARRIS", "East End", None, (-95.30, 29.74)),
    ("TX-3W", "TX-HARRIS", "Third Ward", None, (-95.36, 29.69)),
    ("TX-SP", "TX-HARRIS", "Spring", None, (-95.42, 29.86)),
    ("TX-KTY", "TX-HARRIS", "Katy", None, (-95.48, 29.80)),
    ("TX-ALF", "TX-HARRIS", "Alief", None, (-95.48, 29.74)),
    ("TX-PAS", "TX-HARRIS", "Pasadena", None, (-95.30, 29.69)),
    ("TX-HUM", "TX-HARRIS", "Humble", None, (-95.30, 29.80)),
    ("TX-BLT", "TX-HARRIS", "Bellaire", None, (-95.42, 29.69)),
    ("TX-NS", "TX-HARRIS", "Northside", None, (-95.36, 29.80)),
]
NEEDS: list[tuple[str, str | None, str, str, str, str | None]] = [
    ("B", None, "Basic needs", "Besoins de base", "Necesidades básicas", None),
    ("BV", "B", "Electricity bills", "Factures d\u2019électricité", "Facturas de luz", "energy"),
    ("BH", "B", "Shelter", "Hébergement", "Albergue", "shelter"),
    ("BH-1800", "BH", "Overnight shelter", "Hébergement de nuit", "Albergue nocturno", "shelter"),
    ("BD", "B", "Food", "Alimentation", "Alimentos", "food"),
]
PARENT = {code: parent for code, parent, *_ in [*AREAS, *NEEDS]}
HALF = (0.029, 0.024)


def is_area_below(code: str, ancestor: str) -> bool:
    """Whether an area is another or lies below it."""
    return _is_below(code, ancestor)


def is_need_below(code: str | None, ancestor: str) -> bool:
    """The same for needs; a silent feed has none."""
    return code is not None and _is_below(code, ancestor)


def _is_below(code: str | None, ancestor: str) -> bool:
    while code is not None:
        if code == ancestor:
            return True
        code = PARENT.get(code)
    return False


def areas(*, shapes: bool) -> Json:
    """GET /v1/areas: squares of a map for the leaves, or only their points."""
    parents = {parent for _, parent, *_ in AREAS}
    features = []
    for code, parent, name, zone, (x, y) in AREAS:
        geometry: Json = {"type": "Point", "coordinates": [x, y]}
        if shapes and code not in parents:
            dx, dy = HALF
            ring = [[x - dx, y - dy], [x + dx, y - dy], [x + dx, y + dy * 0.8], [x, y + dy], [x - dx, y + dy * 0.9]]
            geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        properties = {"code": code, "parent": parent, "name": name, "timezone": zone, "home_area": "TX-HOU",
                      "population": None}  # fmt: skip
        features.append({"type": "Feature", "id": code, "geometry": geometry, "properties": properties})
    return {"type": "FeatureCollection", "features": features}


def state_of(code: str, number: int) -> Json:
    """One area of GET /v1/areas/state: a mix of quiet, unusual, silent, stale and warming ones."""
    observed, expected, state = (
        (84, 31.2, "live"), (41, 9.1, "live"), (18, 4.4, "live"), (7, 6.1, "live"), (12, 3.0, "stale"),
        (3, 1.0, "live"), (0, 5.0, "silent"), (4, 4.4, "live"), (2, 11.0, "live"), (6, 0.0, "warming"),
        (9, 8.2, "live"), (300, 90.0, "live"), (5, 5.3, "live"), (11, 5.0, "live"),
    )[number % 14]  # fmt: skip
    return {"observed": observed, "expected": expected, "kappa": None, "state": state}


def many_areas(count: int) -> Json:
    """A region of `count` hexagon-like areas in rows, all below one home area."""
    columns = max(1, int(count**0.5))
    root = areas(shapes=False)["features"][0]
    features = [root]
    for number in range(count):
        x, y = -96 + (number % columns) * 0.02, 29 + (number // columns) * 0.018
        ring = [
            [x + dx * 0.0095, y + dy * 0.0085]
            for dx, dy in ((-1, -0.5), (0, -1), (1, -0.5), (1, 0.5), (0, 1), (-1, 0.5), (-1, -0.5))
        ]
        properties = {"code": f"Z{number}", "parent": "TX-HOU", "name": f"Area {number}", "timezone": None,
                      "home_area": "TX-HOU", "population": None}  # fmt: skip
        features.append({"type": "Feature", "id": f"Z{number}", "geometry": {"type": "Polygon", "coordinates": [ring]},
                         "properties": properties})  # fmt: skip
    return {"type": "FeatureCollection", "features": features}


def needs() -> Json:
    """GET /v1/needs."""
    items = [
        {"code": code, "parent": parent, "name": {"en": en, "fr": fr, "es": es}, "line": "211", "lifeline": lifeline,
         "category": None, "sensitive": False}
        for code, parent, en, fr, es, lifeline in NEEDS
    ]  # fmt: skip
    return {"items": items, "next": None}


def name_of(code: str) -> dict[str, str]:
    """The words of a need."""
    return next({"en": en, "fr": fr, "es": es} for c, _, en, fr, es, _ in NEEDS if c == code)


def point(start: datetime, index: int, hours: int, *, day: bool = False) -> Json:
    """A working day's curve with a little noise, and a rise in the last eight hours."""
    expected = 5.0 + 4.0 * max(0.0, 1 - abs((start.hour - 18) % 24 - 6) / 7)
    noise = ((index * 7919) % 11 - 5) / 5 * 1.6
    rise = max(0, index - (hours - 8)) * 2.6
    is_open = index == hours - 1
    scale = 24 if day else 1
    observed = round(((max(0.0, expected + noise) + rise) * (0.4 if is_open else 1)) * scale)
    return {
        "start": zulu(start),
        "observed": observed,
        "expected": round(expected * scale, 2),
        "band_low": round(max(0.0, expected - 3.4) * scale, 2),
        "band_high": round((expected + 4.1) * scale, 2),
        "open": is_open,
    }


def zulu(moment: datetime) -> str:
    """RFC 3339 with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
