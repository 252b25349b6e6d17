"""Map tiles of an operator's choice, and what the content policy then allows: images from there, nothing else."""

from pathlib import Path

import httpx
import pytest

from services.api.tiles import Tiles
from services.runtime.settings import BadSettings, load_settings
from tests.api_parts import parts, prepared, running

TILES = Tiles("https://tiles.example.org:8443/base/{z}/{x}/{y}.png", "Map data: Example")


def policy_and_me(folder: Path, tiles: Tiles | None) -> tuple[dict[str, list[str]], object]:
    """The directives that every answer carries, and what the page is told."""
    database = prepared(f"sqlite:///{folder / 'api.sqlite'}")
    made = parts(database, folder, tiles=tiles)
    with running(made.app, made.health) as address:
        answer = httpx.get(f"{address}/v1/me", headers=made.headers(), timeout=30)
    database.close()
    directives = (one.split() for one in answer.headers["content-security-policy"].split(";"))
    return {name: sources for name, *sources in directives}, answer.json()["map_tiles"]


def test_without_the_setting_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    policy, told = policy_and_me(tmp_path, None)
    assert told is None
    assert policy["default-src"] == ["'none'"]
    assert {source for sources in policy.values() for source in sources} == {"'none'", "'self'"}


def test_with_it_the_policy_names_exactly_that_origin_and_for_images_only(tmp_path: Path) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "with").mkdir()
    before, _ = policy_and_me(tmp_path / "without", None)
    policy, told = policy_and_me(tmp_path / "with", TILES)
    assert told == {"url": TILES.url, "credit": "Map data: Example"}
    assert policy.pop("img-src") == ["'self'", "https://tiles.example.org:8443"]
    assert policy == {name: sources for name, sources in before.items() if name != "img-src"}


@pytest.mark.parametrize(
    "address",
    [
        "https://tiles.example.org/{z}/{x}.png",
        "tiles.example.org/{z}/{x}/{y}.png",
        "javascript:alert({z}{x}{y})",
        "https://a.example; script-src *;/{z}/{x}/{y}",
        "https://*/{z}/{x}/{y}",
        "https://user:word@a.example/{z}/{x}/{y}",
    ],
)
def test_an_address_that_is_none_stops_the_start(address: str) -> None:
    with pytest.raises(BadSettings, match="GROUNDSWELL_MAP_TILES is wrong"):
        load_settings({"GROUNDSWELL_MAP_TILES": address})
