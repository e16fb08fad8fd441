"""Alembic's environment: connection and metadata come from ``millstream.store.migrate``."""

from alembic import context

connection = context.config.attributes["connection"]


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out monthly partitions and TimescaleDB's own tables: they come and go with the data."""
    return kind != "table" or name in context.config.attributes["target_metadata"].tables


context.configure(
    connection=connection,
    target_metadata=context.config.attributes["target_metadata"],
    include_name=_ours,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
