"""Settings (contracts.md §6): environment `GROUNDSWELL_…` and a TOML file; a wrong or unknown one stops the start."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

PREFIX = "GROUNDSWELL_"

Port = Annotated[int, Field(ge=0, le=65535)]


TILES = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[A-Za-z0-9._~%?=&@{}/-]*$"
"""The origin goes into the content policy as it stands, so nothing but an address may pass."""


class BadSettings(ValueError):
    """A setting that is wrong or unknown; the message names it and says what it may be."""


class Settings(BaseModel):
    """All that a service may be told from outside. Names as in the environment, without the prefix, in lower case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: str | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_cafile: Path | None = None
    kafka_ssl_certfile: Path | None = None
    kafka_ssl_keyfile: Path | None = None
    kafka_ssl_password: SecretStr | None = None
    space: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")] = "live"
    partitions: Annotated[int, Field(ge=1, le=1024)] = 8
    reference: Path | None = None
    data: Path = Path("groundswell-data")
    database_url: SecretStr | None = None
    """SQLAlchemy's form; default: a SQLite file in the data folder."""
    keys_file: Path | None = None
    """Default: keys.json in the data folder."""
    id_secret: SecretStr | None = None
    """Default: made at the first start, in the data folder."""
    host: str = "127.0.0.1"
    ingest_port: Port = 8001
    api_port: Port = 8000
    detector_port: Port = 8002
    grid_ms: Annotated[int, Field(ge=100, le=60_000)] = 500
    seal_hours: Annotated[int, Field(ge=1, le=72)] = 6
    snapshot_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    budget_per_week: Annotated[float, Field(gt=0, le=1000)] = 3.0
    proxy_user_header: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")] | None = None
    """Header in which a trusted proxy names the person; what the person may do follows from the key of that name."""
    proxy_secret: Annotated[SecretStr, Field(min_length=16)] | None = None
    """What the proxy sends as X-Groundswell-Proxy-Secret; without it the header above counts for nothing."""
    map_tiles: Annotated[str, Field(pattern=TILES)] | None = None
    """Address of map tiles, as https://tiles.example.org/{z}/{x}/{y}.png; unset: the map asks nobody else."""
    map_credit: Annotated[str, Field(max_length=200)] = ""
    """Whose tiles they are, as their licence wants it said on the map."""
    log_format: Literal["json", "console"] = "json"

    @field_validator("map_tiles")
    @classmethod
    def _says_where_a_tile_is(cls, value: str | None) -> str | None:
        if value is not None and not all(place in value for place in ("{z}", "{x}", "{y}")):
            raise ValueError("the address must say where {z}, {x} and {y} of a tile go")
        return value

    @property
    def mode(self) -> Literal["live", "replay", "exercise"]:
        """What alerts of this space carry: a space that is neither live nor replay is an exercise."""
        return "live" if self.space == "live" else "replay" if self.space.startswith("replay") else "exercise"

    def database(self) -> str:
        """Address of the database."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.data / f'{self.space}.sqlite').absolute()}"

    def keys(self) -> Path:
        """The file of API keys."""
        return self.keys_file or self.data / "keys.json"


def load_settings(environ: Mapping[str, str], config: Path | None = None) -> Settings:
    """Settings from the environment, which wins, and from a TOML file of the same names.

    Raises:
        BadSettings: with one sentence for each setting that is wrong or unknown; never with its value.

    >>> load_settings({"GROUNDSWELL_SPACE": "exercise"}).space
    'exercise'
    """
    values: dict[str, Any] = _from_file(config) if config else {}
    values |= {name[len(PREFIX) :].lower(): value for name, value in environ.items() if name.startswith(PREFIX)}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise BadSettings("; ".join(_sentence(one["loc"], one["msg"], one["type"]) for one in error.errors())) from None


def environment_settings(config: Path | None = None) -> Settings:
    """Settings of this process."""
    return load_settings(os.environ, config)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSettings(f"the settings file {path} does not exist") from None
    except OSError as error:
        raise BadSettings(f"the settings file {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"the settings file {path} is not TOML: {error}") from None
    return {name.removeprefix(PREFIX).lower(): value for name, value in values.items()}


def _sentence(place: tuple[int | str, ...], message: str, kind: str) -> str:
    name = PREFIX + str(place[0]).upper()
    if kind == "extra_forbidden":
        return f"{name} is not a setting of Groundswell (see `groundswell doctor --settings`)"
    return f"{name} is wrong: {message}"
