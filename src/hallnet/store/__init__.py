"""Where state is kept: transactions, feeds and cursors, answered requests, migrations."""

from hallnet.store.columns import Bytes, Closed, ClosedText, FoundBy, Moment
from hallnet.store.database import Connection, Database

__all__ = ["Bytes", "Closed", "ClosedText", "Connection", "Database", "FoundBy", "Moment"]
