"""Alembic's entry: runs on the connection that `models.schema` hands over, in batch mode on SQLite."""

from alembic import context

from models import rowwalls
from models.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata(), render_as_batch=True, compare_type=True)
with context.begin_transaction():
    rowwalls.take_down(connection)
    context.run_migrations()
