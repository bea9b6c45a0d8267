"""Where state is kept: transactions, feeds and cursors, answered requests, migrations."""

from hallnet.store.database import Connection, Database, Moment

__all__ = ["Connection", "Database", "Moment"]
