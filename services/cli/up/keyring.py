"""The keys that `up` makes: kept readable in the data folder (0600), because it prints them each time."""

import json
from dataclasses import dataclass
from pathlib import Path

from services.cli.errors import WRONG_USE, CliError
from services.runtime.access import KeyStore, Role, write_private

READERS: tuple[Role, ...] = ("viewer", "coordinator", "admin")
INGEST_SOURCE = "my-crm"
"""The source of the ingest key that `up` prints."""


@dataclass(frozen=True)
class Wanted:
    """One key that must be there."""

    label: str
    """Its name in the file; for those that are printed, the role."""
    role: Role
    source: str | None = None


def wanted_keys(demo_sources: tuple[str, ...] = ()) -> tuple[Wanted, ...]:
    """One key for each role, and one for each feed of the demo."""
    printed = (Wanted("ingest", "ingest", INGEST_SOURCE), *(Wanted(role, role) for role in READERS))
    return printed + tuple(Wanted(demo_label(source), "ingest", source) for source in demo_sources)


def demo_label(source: str) -> str:
    """Name in the file of the key of a feed of the demo."""
    return f"demo {source}"


def ensure_keys(path: Path, store: KeyStore, wanted: tuple[Wanted, ...], home_area: str) -> dict[str, str]:
    """The keys by label: those of the file where they still work, new ones otherwise.

    Raises:
        CliError: status 2, the file is damaged.
    """
    kept = read_keys(path)
    keys = {one.label: key for one in wanted if _works(store, one, key := kept.get(one.label, ""))}
    for one in wanted:
        if one.label not in keys:
            home = home_area if one.role == "ingest" else None
            _, keys[one.label] = store.add(one.role, f"up: {one.label}", source=one.source, home_area=home)
    if keys != kept:
        write_private(path, json.dumps(kept | keys, indent=1).encode())
    return {one.label: keys[one.label] for one in wanted}


def read_keys(path: Path) -> dict[str, str]:
    """The keys of the file by label; empty when there is none yet.

    Raises:
        CliError: status 2, the file is damaged.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        kept = None
    if not isinstance(kept, dict) or not all(isinstance(key, str) for key in kept.values()):
        raise CliError(f"the file {path} is damaged; delete it, and new keys are made at the next start", WRONG_USE)
    return kept


def _works(store: KeyStore, wanted: Wanted, key: str) -> bool:
    identity = store.find(key)
    return identity is not None and (identity.role, identity.source) == (wanted.role, wanted.source)
