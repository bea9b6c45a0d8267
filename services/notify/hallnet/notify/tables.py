"""The tables of notify. Nobody else reads them."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

from hallnet.store import Bytes, ClosedText, Moment
from hallnet.store.feed import Cursors
from hallnet.store.requests import AnsweredRequests

metadata = MetaData()
cursors = Cursors(metadata)
answered = AnsweredRequests(metadata)

# Names of item versions, as the catalogue in force gives them.
item_name = Table(
    "item_name",
    metadata,
    Column("item_id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
)

# Texts of papers as halls released them; those of the nearest one hold.
template = Table(
    "template",
    metadata,
    Column("author", String(40), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("content", Bytes, nullable=False),
)

# What is needed to address a notice: from the first event of a case.
recipient = Table(
    "recipient",
    metadata,
    Column("case_id", String(36), primary_key=True),
    Column("case_no", String(64), nullable=False),
    Column("query_code", ClosedText("recipient.query_code", 16), nullable=False),
    Column("item_id", String(64), nullable=False),
    Column("item_version", Integer, nullable=False),
    Column("applicant", ClosedText("recipient.applicant"), nullable=False),
    Column("phone", ClosedText("recipient.phone"), nullable=False),
    Column("agent_id", String(64), nullable=False),
    # A leg of a joint case: people are told of the joint case alone.
    Column("is_leg", Boolean, nullable=False),
)

notice = Table(
    "notice",
    metadata,
    Column(
        "position",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("notice_id", String(80), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("audience", Integer, nullable=False),
    Column("address", ClosedText("notice.address"), nullable=False),
    Column("text", ClosedText("notice.text"), nullable=False),
    # The version of the texts of papers that was in force.
    Column("template", String(64), nullable=False),
    Column("written_at", Moment, nullable=False),
    Column("state", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Column("last_error", Text, nullable=False),
    Index("notice_due", "state", "next_try_at"),
    Index("notice_of_subject", "subject", "position"),
    Index("notice_once", "notice_id", "channel", unique=True),
)
