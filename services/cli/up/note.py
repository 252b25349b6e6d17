"""What a running `up` leaves in its data folder for other commands: its settings, without secrets."""

import fcntl
import json
from pathlib import Path

from pydantic import SecretStr

from services.cli.environment import environment_of
from services.runtime.access import write_private
from services.runtime.settings import PREFIX, Settings

NAME = "up.json"


def write_note(settings: Settings) -> None:
    """Writes the settings that this `up` runs with."""
    secrets = {
        PREFIX + name.upper() for name in Settings.model_fields if isinstance(getattr(settings, name), SecretStr)
    }
    public = {name: value for name, value in environment_of(settings).items() if name not in secrets}
    write_private(settings.data / NAME, json.dumps(public, indent=1).encode())


def running_environment(data: Path) -> dict[str, str]:
    """The settings of the `up` that runs on this data folder; empty when none does."""
    try:
        with (data / "up.lock").open("rb") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return {}
    except OSError:
        return _read(data / NAME)
    return {}


def _read(path: Path) -> dict[str, str]:
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in noted.items()} if isinstance(noted, dict) else {}
