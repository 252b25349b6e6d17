"""Settings as environment variables: what `--config` gives to this process and `up` to its children."""

from collections.abc import MutableMapping
from pathlib import Path

from pydantic import SecretStr

from services.runtime.settings import PREFIX, Settings, load_settings


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that give these settings; those left at their default are left out.

    >>> environment_of(load_settings({"GROUNDSWELL_SPACE": "exercise"}))
    {'GROUNDSWELL_SPACE': 'exercise'}
    """
    values = {name: getattr(settings, name) for name in sorted(settings.model_fields_set)}
    return {PREFIX + name.upper(): _text(value) for name, value in values.items() if value is not None}


def apply_config(path: Path, environ: MutableMapping[str, str]) -> None:
    """Puts the settings of a TOML file into the environment, where what is set already wins.

    Raises:
        BadSettings: the file is missing, not TOML, or a setting is wrong or unknown.
    """
    environ.update(environment_of(load_settings(environ, path)))


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
