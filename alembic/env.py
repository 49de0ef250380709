"""How Alembic runs our revisions: one transaction each, the version kept in schema attribution.

controlplane.migrations calls this with a connection; without one Alembic prints SQL (offline mode).
"""

from alembic import context

from controlplane.migrations import VERSION_TABLE

settings = {
    "version_table": VERSION_TABLE,
    "version_table_schema": "attribution",
    "transaction_per_migration": True,
}

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", **settings)
else:
    context.configure(connection=context.config.attributes["connection"], **settings)
with context.begin_transaction():
    context.run_migrations()
