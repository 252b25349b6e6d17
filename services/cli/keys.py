"""`groundswell keys`: who may post and who may read."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from services.cli.errors import WRONG_USE, CliError
from services.runtime.access import ROLES, Identity, KeyStore, Role
from services.runtime.clock import SystemClock, from_ms
from services.runtime.settings import environment_settings

DAY_MS = 86_400_000

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Add, list and revoke API keys (file KEYS_FILE).")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    role: Annotated[str, typer.Option(metavar="|".join(ROLES), help="What the key allows.")],
    source: Annotated[str | None, typer.Option(help="The source whose calls an ingest key may post.")] = None,
    name: Annotated[str | None, typer.Option(help="The person or system that holds it.")] = None,
    home_area: Annotated[
        str | None, typer.Option(help="Scope of a reader; for an ingest key the home area of calls without a place.")
    ] = None,
    totals: Annotated[bool, typer.Option("--totals", help="Its calls may carry `count`.")] = False,
    need: Annotated[
        list[str] | None, typer.Option(help="A reader sees only this branch of needs; may be given again.")
    ] = None,
    only_source: Annotated[
        list[str] | None, typer.Option(help="A reader sees only this feed; may be given again.")
    ] = None,
    expires_days: Annotated[int | None, typer.Option(min=1, max=3660, help="It stops working after so long.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key; it is printed once and kept nowhere.

    \b
    Examples:
      groundswell keys add --role ingest --source county-211 --name "County CRM" --home-area tx
      groundswell keys add --role coordinator --name "R. Alvarez" --json
      groundswell keys add --role viewer --name "Food bank" --need BD --home-area tx --expires-days 90
    """
    clock = SystemClock()
    identifier, key = KeyStore(environment_settings().keys(), clock).add(
        _role(role),
        name or source or role,
        source=source,
        home_area=home_area,
        totals=totals,
        needs=need or (),
        sources=only_source or (),
        expires_at=None if expires_days is None else clock.now_ms() + expires_days * DAY_MS,
    )
    if as_json:
        print(json.dumps({"id": identifier, "key": key}))
    else:
        print(f"id   {identifier}\nkey  {key}\n\nKeep the key now: it is not shown again.")


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Show who holds a key; the keys themselves are kept nowhere.

    \b
    Examples:
      groundswell keys list
      groundswell keys list --json
    """
    identities = KeyStore(environment_settings().keys()).list()
    if as_json:
        print(json.dumps({"items": [asdict(one) for one in identities]}))
    elif not identities:
        print("There is no key yet; make one with `groundswell keys add --role viewer`.")
    else:
        print("\n".join(_line(one) for one in identities))


@app.command()
def revoke(identifier: Annotated[str, typer.Argument(metavar="ID", help="As printed by `keys add`.")]) -> None:
    """Take a key back; it stops working everywhere within 5 s.

    \b
    Examples:
      groundswell keys revoke k_3f2a90c1d0aa
    """
    KeyStore(environment_settings().keys()).revoke(identifier)
    print(f"{identifier} is revoked; it stops working everywhere within 5 s.")


def _role(text: str) -> Role:
    for role in ROLES:
        if role == text:
            return role
    raise CliError(f"a role is one of {', '.join(ROLES)}", WRONG_USE)


def _line(one: Identity) -> str:
    more = [
        f"source {one.source}" if one.source else "",
        f"area {one.home_area}" if one.home_area else "",
        f"needs {' '.join(one.needs)}" if one.needs else "",
        f"feeds {' '.join(one.sources)}" if one.sources else "",
        "totals" if one.totals else "",
        f"until {from_ms(one.expires_at):%Y-%m-%d}" if one.expires_at is not None else "",
    ]
    return "  ".join(filter(None, (f"{one.id:16}{one.role:13}{one.name}", *more)))
