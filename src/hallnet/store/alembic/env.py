"""Alembic runs this for every service; what differs comes with the configuration."""

from alembic import context

from hallnet.store.migrating import describe_type

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    render_item=describe_type,
    render_as_batch=True,
)
context.run_migrations()
