"""Runs the migrations on the connection, and in the transaction, that the caller holds."""

from alembic import context

import services.api.tables_people  # noqa: F401  its tables are part of the metadata
from services.api.tables import metadata


def run() -> None:
    """Migrate; only inside `alembic.command`, which sets the context up."""
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    context.run_migrations()


if __name__ == "env_py":  # the name under which Alembic loads this file
    run()
