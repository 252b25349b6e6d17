"""Every setting with its value, where it differs from the default; secrets are not shown."""

import json
from typing import Any

from pydantic import SecretStr

from services.runtime.settings import PREFIX, Settings


def settings_list(settings: Settings, *, as_json: bool) -> str:
    """The settings as lines, or as a JSON object by name."""
    rows = {PREFIX + name.upper(): getattr(settings, name) for name in sorted(Settings.model_fields)}
    given = {PREFIX + name.upper() for name in settings.model_fields_set}
    if as_json:
        return json.dumps({name: {"value": _shown(value), "set": name in given} for name, value in rows.items()})
    return "\n".join(
        f"{name:34} {'' if (shown := _shown(value)) is None else shown}{'   (set)' if name in given else ''}"
        for name, value in rows.items()
    )


def _shown(value: Any) -> str | int | float | None:
    if value is None or isinstance(value, int | float | str):
        return value
    return "(secret)" if isinstance(value, SecretStr) else str(value)
