"""`groundswell topics`: create what is missing, show what is there, say what is wrong."""

import json
from typing import Annotated

import typer

from schemas.topics import TOPICS
from services.cli.topic_state import TopicState, topic_states
from services.runtime.clock import SystemClock
from services.runtime.settings import environment_settings

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Create, list and check the topics of a space.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    apply: Annotated[bool, typer.Option("--apply", help="Put settings that differ from the log in force.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create the topics that are missing, check the others, and write the space's first configuration.

    \b
    Examples:
      groundswell topics create
      GROUNDSWELL_BUDGET_PER_WEEK=5 groundswell topics create --apply
      GROUNDSWELL_SPACE=replay groundswell topics create
    """
    from services.ingest.bootstrap import ensure_space

    settings = environment_settings()
    before = {one.name for one in topic_states(settings) if one.partitions is not None}
    ensure_space(settings, SystemClock(), apply=apply)
    names = [topic.in_space(settings.space) for topic in TOPICS]
    created = [name for name in names if name not in before]
    if as_json:
        print(json.dumps({"space": settings.space, "created": created, "existing": sorted(before)}))
    else:
        print(f"{len(created)} topics created, {len(before)} were there and are as wanted.")


@app.command("list")
def list_topics(as_json: AsJson = False) -> None:
    """Show the topics of the space: partitions, records kept, and what travels there.

    \b
    Examples:
      groundswell topics list
      groundswell topics list --json
    """
    states = topic_states(environment_settings())
    if as_json:
        print(json.dumps({"items": [one.as_dict() for one in states]}))
        return
    for one in states:
        partitions = "missing" if one.partitions is None else f"{one.partitions} partitions"
        print(f"{one.name:34}{partitions:15}{one.records:>12,} records   {one.what}")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Compare the topics with what the settings ask for; status 1 when something differs.

    \b
    Examples:
      groundswell topics check
    """
    states = topic_states(environment_settings())
    wrong = [one for one in states if one.problem]
    if as_json:
        print(json.dumps({"ok": not wrong, "problems": [one.as_dict() for one in wrong]}))
    else:
        print("\n".join(_sentence(one) for one in wrong) or f"All {len(states)} topics are as wanted.")
    if wrong:
        raise typer.Exit(1)


def _sentence(state: TopicState) -> str:
    return f"{state.name}: {state.problem}"
