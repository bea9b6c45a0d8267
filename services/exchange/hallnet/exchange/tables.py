"""The tables of the exchange. Nobody else reads them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from hallnet.store import Bytes, Closed, Moment
from hallnet.store.feed import Cursors, Feed
from hallnet.store.requests import AnsweredRequests

metadata = MetaData()
feed = Feed("exchange", metadata)
returned = Feed("exchange-returned", metadata, "returned_")
"""What this hall itself had said and others gave back: followed before all else after a loss of records."""
cursors = Cursors(metadata)
answered = AnsweredRequests(metadata)

_Position = BigInteger().with_variant(Integer, "sqlite")
"""Counts rows in the order of arrival; SQLite counts only what it calls INTEGER."""

journal_head = Table(
    "journal_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
)

journal_tile = Table(
    "journal_tile",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", Bytes, nullable=False),
)

# Entries that this hall lost with its records and that its neighbours had seen: their places are kept.
journal_gap = Table(
    "journal_gap",
    metadata,
    Column("end", BigInteger, primary_key=True, autoincrement=False),
    Column("start", BigInteger, nullable=False),
    Column("found_at", Moment, nullable=False),
)

# Numbers of the own journal behind the first: where each began, and up to where a neighbour had seen entries
# under the number before that are not here.
journal_number = Table(
    "journal_number",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("start", BigInteger, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("lost_end", BigInteger, nullable=False, server_default="0"),
    Column("lost_at", Moment),
)

# Hashes over places in gaps, from which the journal went on.
journal_node = Table(
    "journal_node",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Bytes, nullable=False),
)

# Losses of records, by their end: since when this hall waits for its own words, and until when it did. Of those that
# came to light after the journal had gone on under a new number that number, of gaps in it 0.
recovery = Table(
    "recovery",
    metadata,
    Column("before_number", Integer, primary_key=True, autoincrement=False),
    Column("end", BigInteger, primary_key=True, autoincrement=False),
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
)

# The halls that were asked for them.
recovery_asked = Table(
    "recovery_asked",
    metadata,
    Column("before_number", Integer, primary_key=True, autoincrement=False),
    Column("end", BigInteger, primary_key=True, autoincrement=False),
    Column("hall", String(40), primary_key=True),
    Column("asked_at", Moment, nullable=False),
    # When it had given back all that has to do with cases.
    Column("answered_at", Moment),
    Column("returned", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
)

# Entries of the own journal that came back into a gap, with their proofs.
returned_entry = Table(
    "returned_entry",
    metadata,
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Integer, nullable=False),
    Column("data", Bytes, nullable=False),
    Column("path", Bytes, nullable=False),
    Column("checkpoint", Bytes(32), nullable=False),
    Column("giver", String(40), nullable=False),
    # Of an envelope: whether the recipient gave it back, and not a hall that passed it on only.
    Column("whole", Boolean, nullable=False),
    Column("has_content", Boolean, nullable=False),
)

# Halls that lost records and asked for their own words, and how far they have been given back.
giving_back = Table(
    "giving_back",
    metadata,
    Column("hall", String(40), primary_key=True),
    Column("before_number", Integer, primary_key=True, autoincrement=False),
    Column("end", BigInteger, primary_key=True, autoincrement=False),
    Column("start", BigInteger, nullable=False),
    Column("asked_at", Moment, nullable=False),
    # What it was sent and sent since then is looked through.
    Column("since", Moment, nullable=False),
    # Positions up to which each of the tables was gone through.
    Column("passed_on", BigInteger, nullable=False),
    Column("of_cases", BigInteger, nullable=False),
    Column("others", BigInteger, nullable=False),
    Column("receipts", BigInteger, nullable=False),
    # Whether the hall was told that it has all that has to do with cases.
    Column("complete", Boolean, nullable=False),
)

# The entries that one transaction added, together.
journal_run = Table(
    "journal_run",
    metadata,
    Column("end", BigInteger, primary_key=True, autoincrement=False),
    Column("start", BigInteger, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("entries", Bytes, nullable=False),
)

# Signed heads of journals, the own ones and those to which kept proofs lead.
checkpoint = Table(
    "checkpoint",
    metadata,
    Column("digest", Bytes(32), primary_key=True),
    Column("address", String(40), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("note", Bytes, nullable=False),
    Column("signature", Bytes, nullable=False),
    Column("certificate_id", Bytes, nullable=False),
    Index("checkpoint_of_address", "address", "size"),
)

# Verdicts of another hall that stand in a row in its journal, and what proves them together: each of them with
# its proof is made of it.
kept_run = Table(
    "kept_run",
    metadata,
    Column("checkpoint", Bytes(32), primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("end", BigInteger, primary_key=True, autoincrement=False),
    Column("bodies", Bytes, nullable=False),
    Column("beside", Bytes, nullable=False),
)

# Statements of other halls that they saw an own head.
cosignature = Table(
    "cosignature",
    metadata,
    Column("checkpoint", Bytes(32), primary_key=True),
    Column("certificate_id", Bytes(32), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("signature", Bytes, nullable=False),
    Index("cosignature_by_size", "size"),
)

certificate = Table(
    "certificate",
    metadata,
    Column("id", Bytes(32), primary_key=True),
    Column("subject", String(40), nullable=False),
    Column("certificate", Bytes, nullable=False),
    Column("learned_at", Moment, nullable=False),
)

revocation = Table(
    "revocation",
    metadata,
    Column("certificate_id", Bytes(32), primary_key=True),
    Column("revocation", Bytes, nullable=False),
    Column("learned_at", Moment, nullable=False),
)

# Changes of address that are believed, and roots that vouch for each other.
succession = Table(
    "succession",
    metadata,
    Column("predecessor", String(40), primary_key=True),
    Column("succession", Bytes, nullable=False),
    Column("learned_at", Moment, nullable=False),
)

# Moves of halls below that lie ahead or are held, and halls below that are closed, as the intake told.
ADDRESS_LENGTH_MAX = 40

planned_move = Table(
    "planned_move",
    metadata,
    Column("predecessor", String(ADDRESS_LENGTH_MAX), primary_key=True),
    Column("successor", String(ADDRESS_LENGTH_MAX), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("effective_at", Moment, nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("told_at", Moment),
)

closed_hall = Table(
    "closed_hall",
    metadata,
    Column("address", String(ADDRESS_LENGTH_MAX), primary_key=True),
    Column("learned_at", Moment, nullable=False),
)

root_succession = Table(
    "root_succession",
    metadata,
    Column("digest", Bytes(32), primary_key=True),
    Column("succession", Bytes, nullable=False),
    Column("learned_at", Moment, nullable=False),
)

# Halls below that may join without a certificate, once. Nobody can join with what stands here.
invitation = Table(
    "invitation",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("invitation_id", String(32), nullable=False, unique=True),
    Column("address", String(40), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("validity_days", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("withdrawn_at", Moment),
    Column("used_at", Moment),
    # Once it is used: by which key, and what was answered.
    Column("signing_public", Bytes),
    Column("welcome", Bytes),
    Index("invitation_of_address", "address", "position"),
)

# Keys that this hall made for itself since it was founded. Without a
# certificate: asked for and not answered yet.
own_key = Table(
    "own_key",
    metadata,
    Column("signing_public", Bytes, primary_key=True),
    Column("private_keys", Closed("own_key.private_keys"), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("certificate_id", Bytes(32)),
)

trust_bundle = Table(
    "trust_bundle",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("bundle", Bytes, nullable=False),
)

child = Table(
    "child",
    metadata,
    Column("address", String(40), primary_key=True),
    Column("certificate_id", Bytes(32), nullable=False),
    Column("enrolled_at", Moment, nullable=False),
)

link = Table(
    "link",
    metadata,
    Column("neighbour", String(40), primary_key=True),
    Column("up", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("next_try_at", Moment),
    Column("heard_at", Moment),
    Column("sent_sequence", BigInteger, nullable=False),
    Column("taken_sequence", BigInteger, nullable=False),
    Column("clock_skew_ms", BigInteger, nullable=False, server_default="0"),
    Column("version", String(32), nullable=False, server_default=""),
    # The neighbour's journal as this hall saw it last, and since when it showed longer heads without
    # the path to them.
    Column("seen_size", BigInteger, nullable=False, server_default="0"),
    Column("seen_head", Bytes),
    Column("unproved_since", Moment),
    # The longest end of the neighbour's journal that this hall saw anywhere, to be given back to it.
    Column("end_number", Integer, nullable=False, server_default="0"),
    Column("end_size", BigInteger, nullable=False, server_default="0"),
    Column("end", Bytes),
    # Whether the neighbour showed its end since this hall started with records that may be old, or ever.
    Column("end_since_start", Boolean),
    # Which loss of the neighbour's records was answered last by sending again what it lost, and when.
    Column("resent_end", BigInteger, nullable=False, server_default="0"),
    Column("resent_at", Moment),
    # Size of the own journal as the neighbour said it saw it last.
    Column("shown_size", BigInteger, nullable=False, server_default="0"),
    # Until then no materials go to it: it had no room for them.
    Column("attachments_held_until", Moment),
    # Which process of this exchange sends over it, where there may be several.
    Column("sender", Bytes(8)),
)

# Processes of this exchange, and when each said last that it is alive.
replica = Table(
    "replica",
    metadata,
    Column("incarnation", Bytes(8), primary_key=True),
    Column("seen_at", Moment, nullable=False),
    # Whether it knows that the journal ends where the neighbours saw it end.
    Column("sure", Boolean, nullable=False),
)

# Own envelopes, from the wish to have something carried to the verdict.
delivery = Table(
    "delivery",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("envelope_id", Bytes(16), nullable=False, unique=True),
    Column("recipient", String(40), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("state", Integer, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("traceparent", String(64), nullable=False),
    Column("reference", String(64), nullable=False),
    Column("wanted_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("retransmit_at", Moment),
    # Only while the envelope cannot be sealed yet.
    Column("payload", Closed("delivery.payload")),
    # From here on: once it is sealed. The place on the queue of the link to a neighbour, as of a parcel.
    Column("leaf_index", BigInteger),
    Column("header_digest", Bytes(32)),
    Column("size", Integer),
    Column("neighbour", String(40)),
    Column("turn", BigInteger),
    Column("queued", Boolean, nullable=False),
    # The verdict.
    Column("receipt_leaf_index", BigInteger),
    Column("receipt_checkpoint", Bytes(32)),
    # None if it lies in a kept_run.
    Column("receipt", Bytes),
    Column("receipt_path", Bytes),
    Index("delivery_of_subject", "subject", "position"),
    Index("delivery_by_state", "state", "retransmit_at"),
)
# Written as the queries are, or SQLite does not see that it serves them.
Index(
    "delivery_queue",
    delivery.c.neighbour,
    delivery.c.urgency,
    delivery.c.turn,
    delivery.c.position,
    # So that how much waits, and since when, is told by the index alone; SQLite looks at `queued` again.
    delivery.c.changed_at,
    delivery.c.queued,
    sqlite_where=text("queued = 1"),
    postgresql_where=text("queued"),
)

# Own envelopes as they go: apart from what changes, so that no change moves their bytes.
sent = Table(
    "sent",
    metadata,
    Column("leaf_index", _Position, primary_key=True, autoincrement=False),
    Column("header", Bytes, nullable=False),
    # None once it was erased.
    Column("sealed_body", Bytes),
)

# Every envelope that was ever passed on: for ever, so that age is no way around it. Those on which this
# hall gave a verdict are among the receptions.
seen = Table(
    "seen",
    metadata,
    Column("envelope_id", Bytes(16), primary_key=True),
    Column("header_digest", Bytes(32), nullable=False),
)

# Keys of the bodies that this hall sent or received, by the digest of what they were sealed as.
content_key = Table(
    "content_key",
    metadata,
    Column("id", Bytes(32), primary_key=True),
    Column("key", Closed("content_key.key"), nullable=False),
    # How many bodies are kept that it opens.
    Column("uses", Integer, nullable=False),
)

# Envelopes on which this hall gave a verdict, with what proves them.
reception = Table(
    "reception",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("envelope_id", Bytes(16), nullable=False, unique=True),
    Column("sender", String(40), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("verdict", Integer, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("header", Bytes, nullable=False),
    # As it came, if its content has to be shown later and was not erased; the key to it is a content_key.
    Column("sealed_body", Bytes),
    Column("leaf_index", BigInteger, nullable=False),
    Column("path", Bytes, nullable=False),
    Column("checkpoint", Bytes(32), nullable=False),
    Column("receipt", Bytes, nullable=False),
    Column("receipt_leaf_index", BigInteger, nullable=False),
    Index("reception_of_subject", "subject", "position"),
)

# What others brought and waits for a link, or went over it and is kept for a while.
parcel = Table(
    "parcel",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("type", Integer, nullable=False),
    Column("envelope_id", Bytes(16), nullable=False),
    # For a receipt who gave it, for an envelope empty: two halls may judge one envelope.
    Column("issuer", String(40), nullable=False),
    Column("neighbour", String(40), nullable=False),
    Column("state", Integer, nullable=False),
    Column("urgency", Integer, nullable=False),
    # The neighbour that brought it, and when its turn is: each lane takes one turn after the other.
    Column("lane", String(40), nullable=False),
    Column("turn", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("waiting_since", Moment, nullable=False),
    Column("left_at", Moment),
    Column("passed", Text, nullable=False),
    Column("sender", String(40), nullable=False),
    Column("recipient", String(40), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    # Of a receipt: whether the envelope was refused.
    Column("refuses", Boolean, nullable=False),
    Column("head", Bytes, nullable=False),
    Column("sealed_body", Bytes, nullable=False),
    Column("leaf_index", BigInteger, nullable=False),
    Column("path", Bytes, nullable=False),
    Column("checkpoint", Bytes(32), nullable=False),
    Index("parcel_once", "envelope_id", "type", "issuer", unique=True),
    Index("parcel_queue", "neighbour", "state", "urgency", "turn", "position"),
    Index("parcel_lane", "neighbour", "state", "urgency", "lane", "turn"),
    Index("parcel_left", "state", "left_at"),
)

incident = Table(
    "incident",
    metadata,
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("incident", Bytes, nullable=False),
)

# Who exported what, and why.
export_record = Table(
    "export_record",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("purpose", Text, nullable=False),
    Index("export_of_subject", "subject", "position"),
)

# Who had content erased, and why.
erasure_record = Table(
    "erasure_record",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("before", Moment, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("received", Integer, nullable=False),
    Column("keys", Integer, nullable=False),
    Column("feed_entries", Integer, nullable=False),
)

# Put together for each sender by itself, so that wrong pieces spoil nobody else's.
attachment = Table(
    "attachment",
    metadata,
    Column("digest", Bytes(32), primary_key=True),
    Column("sender", String(40), primary_key=True),
    Column("subject", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    # Bytes of its chunks.
    Column("received", BigInteger, nullable=False),
    Column("state", Integer, nullable=False),
    # SHA-256 of the first chunk, once it is here: who shows it may learn that the material is here.
    Column("first_digest", Bytes(32)),
    # Tells a copy from an earlier one from the same sender, which was dropped.
    Column("began_at", Moment, nullable=False),
    # By the clock of its sender, when it sealed the first chunk that came.
    Column("sealed_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Index("attachment_by_state", "state", "changed_at"),
    Index("attachment_of_sender", "sender", "changed_at"),
)

attachment_chunk = Table(
    "attachment_chunk",
    metadata,
    Column("digest", Bytes(32), primary_key=True),
    Column("sender", String(40), primary_key=True),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("data", Closed("attachment_chunk.data"), nullable=False),
)

# Materials to be read from a service of this node and sent, each once to a recipient.
attachment_wish = Table(
    "attachment_wish",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("digest", Bytes(32), nullable=False),
    Column("recipient", String(40), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("subject", String(64), nullable=False),
    # Chunks that were sealed, and those of them whose receipt is in.
    Column("sent", BigInteger, nullable=False),
    Column("answered", BigInteger, nullable=False),
    Column("done", Boolean, nullable=False),
    # Why it was given up; empty if it was not.
    Column("reason", String(64), nullable=False),
    Column("changed_at", Moment, nullable=False),
    Index("attachment_wish_once", "digest", "recipient", unique=True),
    Index("attachment_wish_open", "done", "recipient", "position"),
    Index("attachment_wish_changed", "recipient", "changed_at"),
    # A receipt for a chunk of a wish that began anew must not count for the new one.
    sqlite_autoincrement=True,
)
