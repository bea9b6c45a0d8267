"""Where state is kept: transactions, feeds and cursors, answered requests, migrations."""

from hallnet.store.database import Bytes, Connection, Database, Moment

__all__ = ["Bytes", "Connection", "Database", "Moment"]
