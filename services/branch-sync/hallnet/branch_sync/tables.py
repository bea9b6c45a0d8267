"""The tables of branch-sync. Nobody else reads them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from hallnet.store import Bytes, Moment
from hallnet.store.feed import Cursors, Feed
from hallnet.store.requests import AnsweredRequests

metadata = MetaData()
feed = Feed("branch-sync", metadata)
cursors = Cursors(metadata)
answered = AnsweredRequests(metadata)

release = Table(
    "release",
    metadata,
    Column(
        "position",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("kind", Integer, nullable=False),
    Column("author", String(40), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("effective_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("standing", Integer, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("summary", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    # The version that it withdraws, and the one whose content it has again; else 0.
    Column("withdraws", BigInteger, nullable=False),
    Column("restores", BigInteger, nullable=False),
    # Of the body; of a refused one, of all that came, for its body may be another's.
    Column("digest", Bytes(32), nullable=False),
    # The signed release; empty for one that was refused.
    Column("signed", Bytes, nullable=False),
    Index("release_of_digest", "digest"),
    Index("release_of_author", "kind", "author", "version"),
    Index("release_pending", "standing", "effective_at"),
)

child = Table("child", metadata, Column("address", String(40), primary_key=True))

# Which release of a kind and author each child took last, and which is under way to it; 0 for none.
child_release = Table(
    "child_release",
    metadata,
    Column("child", String(40), primary_key=True),
    Column("kind", Integer, primary_key=True, autoincrement=False),
    Column("author", String(40), primary_key=True),
    Column("taken", BigInteger, nullable=False),
    Column("under_way", BigInteger, nullable=False),
)

# When halls were last heard of with the releases in force there, and which of that is to be told to the parent.
standing_report = Table(
    "standing_report",
    metadata,
    Column("hall", String(40), primary_key=True),
    # When it was so; of this hall: when it last said it, absent before the first time.
    Column("told_at", Moment),
    # Since when there is something that the parent was not told; absent if there is not.
    Column("changed_at", Moment),
)

standing = Table(
    "standing",
    metadata,
    Column("hall", String(40), primary_key=True),
    Column("kind", Integer, primary_key=True, autoincrement=False),
    Column("author", String(40), primary_key=True),
    Column("version", BigInteger, nullable=False),
)

# Ends of certificates of halls below, on the same way.
revocation = Table(
    "revocation",
    metadata,
    Column("certificate_id", Bytes(32), primary_key=True),
    Column("revocation", Bytes, nullable=False),
)

# Changes of address below and roots that vouch for each other, on the same way.
succession = Table(
    "succession",
    metadata,
    Column("predecessor", String(40), primary_key=True),
    Column("succession", Bytes, nullable=False),
)

root_succession = Table(
    "root_succession",
    metadata,
    Column("digest", Bytes(32), primary_key=True),
    Column("succession", Bytes, nullable=False),
)

# Certificates of halls below, on their way to the author of the trust bundle.
certificate = Table(
    "certificate",
    metadata,
    Column("id", Bytes(32), primary_key=True),
    Column("subject", String(40), nullable=False),
    Column("certificate", Bytes, nullable=False),
)

# Who has a part in a case that is known here, and the last event of each; sequence 0: nothing said yet.
case_part = Table(
    "case_part",
    metadata,
    Column("case_id", String(36), primary_key=True),
    Column("hall", String(40), primary_key=True),
    Column("range", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("digest", Bytes(32), nullable=False),
    Index("case_part_of_range", "hall", "range"),
)

# Sums over the cases that are shared with a hall: see federation/comparison.py.
shared_range = Table(
    "shared_range",
    metadata,
    Column("hall", String(40), primary_key=True),
    Column("side", Integer, primary_key=True, autoincrement=False),
    Column("range", Integer, primary_key=True, autoincrement=False),
    Column("sum", Bytes(16), nullable=False),
)

# When this hall and another one compare what they have of each other, and what came of it.
comparison = Table(
    "comparison",
    metadata,
    Column("hall", String(40), primary_key=True),
    Column("due_at", Moment, nullable=False),
    # When this hall last asked the other one.
    Column("asked_at", Moment),
    # When it turned out last that all is here that the other hall said.
    Column("agreed_at", Moment),
    # In how many cases the other hall had not all that this one said, and in how many it had more.
    Column("behind", Integer, nullable=False),
    Column("forgotten", Integer, nullable=False, default=0, server_default="0"),
    Index("comparison_due", "due_at"),
)

# What halls did on a day, as each reported it.
rollup_count = Table(
    "rollup_count",
    metadata,
    Column("hall", String(40), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("item_id", String(64), primary_key=True),
    Column("handling_kind", Integer, primary_key=True, autoincrement=False),
    Column("measure", String(64), primary_key=True),
    Column("times", BigInteger, nullable=False),
    Index("rollup_count_of_day", "day", "hall"),
)

# Which version of a day is here: of this hall the one it sent last.
rollup = Table(
    "rollup",
    metadata,
    Column("hall", String(40), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("received_at", Moment, nullable=False),
    Index("rollup_of_day", "day", "hall"),
)
