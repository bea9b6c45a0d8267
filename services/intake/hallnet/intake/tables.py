"""The tables of the intake. Nobody else reads them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from hallnet.store import Bytes, Closed, ClosedText, FoundBy, Moment
from hallnet.store.feed import Cursors, Feed
from hallnet.store.requests import AnsweredRequests

metadata = MetaData()
feed = Feed("intake", metadata)
cursors = Cursors(metadata)
answered = AnsweredRequests(metadata)

_Position = BigInteger().with_variant(Integer, "sqlite")

item_version = Table(
    "item_version",
    metadata,
    Column("item_id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("author", String(40), nullable=False),
    # Place in the author's catalogue; -1 once the author has taken it out.
    Column("sequence", Integer, nullable=False),
    Column("item", Bytes, nullable=False),
)

# Content of the releases in force, one row for each kind and author.
release = Table(
    "release",
    metadata,
    Column("kind", Integer, primary_key=True, autoincrement=False),
    Column("author", String(40), primary_key=True),
    Column("version", BigInteger, nullable=False),
    # None after a withdrawal of which nothing is left in force.
    Column("content", Bytes),
)

case_event = Table(
    "case_event",
    metadata,
    Column("case_id", String(36), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("event", Closed("case_event.event"), nullable=False),
    Column("author", String(40), nullable=False),
    # The day of the event in China and the number of its fact on the wire, to find what a number counts.
    Column("on_day", Date, nullable=False),
    Column("fact", Integer, nullable=False),
    Index("case_event_of_day", "on_day", "fact", "author", "case_id", "sequence"),
)

# Events of other halls that came before those they follow on. Several may claim the same place.
early_event = Table(
    "early_event",
    metadata,
    Column("case_id", String(36), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("author", String(40), primary_key=True),
    Column("event", Closed("early_event.event"), nullable=False),
    Column("came_at", Moment, nullable=False),
)

# What was refused from other halls, with the reason, for a person to look at.
set_aside = Table(
    "set_aside",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("case_id", String(36), nullable=False),
    Column("sender", String(40), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("payload", Closed("set_aside.payload"), nullable=False),
    Column("at", Moment, nullable=False),
)

# A projection of the events, for lists and searches.
case = Table(
    "case",
    metadata,
    Column("case_id", String(36), primary_key=True),
    # Compared byte by byte, so that the numbers that begin with something stand together.
    Column(
        "case_no",
        String(64).with_variant(String(64, collation="C"), "postgresql"),
        nullable=False,
        unique=True,
    ),
    Column("query_code", ClosedText("case.query_code", 16), nullable=False),
    Column("item_id", String(64), nullable=False),
    Column("item_version", Integer, nullable=False),
    Column("item_name", Text, nullable=False),
    Column("handling_kind", Integer, nullable=False),
    Column("applicant", ClosedText("case.applicant"), nullable=False),
    Column("agent_id", String(64), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("custodian", String(40), nullable=False),
    Column("in_transit_to", String(40), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("due_on", Date),
    Column("due_kind", Integer, nullable=False),
    Column("due_provisional", Boolean, nullable=False),
    Column("met_on", Date),
    Column("yellow_on", Date),
    # The last day before silence is acceptance, or before the case is overdue: after it the hall looks.
    Column("watch_on", Date),
    Index("case_to_watch", "custodian", "watch_on"),
    # Who answers for it at this hall; empty once it ended or is elsewhere.
    Column("owner", String(64), nullable=False),
    # Where the case is, seen from here, and the day by which lists are in order: far off if none is due.
    Column("place", Integer, nullable=False),
    Column("listed_by", Date, nullable=False),
    # The digest of the last event, by which what is remembered of a case is known to be right.
    Column("last_digest", Bytes(32), nullable=False),
    # By what a clerk finds it.
    Column("applicant_name", FoundBy("case.applicant_name")),
    Column("document_number", FoundBy("case.document_number")),
    Column("phone", FoundBy("case.phone")),
    # By what the same thing, wanted by the same person, is found once more.
    Column("matter", FoundBy("case.matter")),
    Index("case_in_queue", "place", "stage", "listed_by", "case_id"),
    Index("case_of_item", "item_id", "place", "stage", "listed_by", "case_id"),
    # What never changes is in order of the ids, that is of the time of filing: no act writes there again.
    Index("case_of_name", "applicant_name", "case_id"),
    Index("case_of_document", "document_number", "case_id"),
    Index("case_of_phone", "phone", "case_id"),
    Index("case_of_matter", "matter", "case_id"),
)
_BY_AN_AGENT = case.c.agent_id != ""
Index(
    "case_of_agent",
    case.c.agent_id,
    case.c.listed_by,
    case.c.case_id,
    sqlite_where=_BY_AN_AGENT,
    postgresql_where=_BY_AN_AGENT,
)

_OWNED_HERE = case.c.owner != ""
Index(
    "case_of_owner",
    case.c.owner,
    case.c.listed_by,
    case.c.case_id,
    sqlite_where=_OWNED_HERE,
    postgresql_where=_OWNED_HERE,
)

# The same matter at two halls (decision 0021). The key under which this hall tells digests to a hall above it,
# or, in the row with its own address, under which halls below tell them here.
matter_key = Table(
    "matter_key",
    metadata,
    Column("guide", String(40), primary_key=True),
    # Empty while it was asked for and has not come.
    Column("key_id", Bytes(8)),
    Column("key", Closed("matter_key.key")),
    Column("asked_at", Moment, nullable=False),
    # The last case that was told again under a new key; empty once all were.
    Column("again_after", String(36), nullable=False),
)

# Halls below to which the own key was given.
matter_key_holder = Table(
    "matter_key_holder",
    metadata,
    Column("hall", String(40), primary_key=True),
    Column("given_at", Moment, nullable=False),
)

# Cases of which a guiding hall is to be told.
matter_untold = Table(
    "matter_untold",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("guide", String(40), nullable=False),
    Column("case_id", String(36), nullable=False),
)

# What halls below told. Of what is sought a digest under the own key of the home: who has the database and
# the key that the halls below have can try nothing out.
matter_told = Table(
    "matter_told",
    metadata,
    Column("case_no", String(64), primary_key=True),
    Column("hall", String(40), nullable=False),
    # Empty once it was taken back, and while it is not told again under a new key.
    Column("matter", FoundBy("matter_told.matter")),
    Column("received_on", Date, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("stands", Boolean, nullable=False),
    # The day on which it was first found to look like another one.
    Column("matched_on", Date),
    Index("matter_told_of", "matter", "case_no"),
    Index("matter_told_by", "hall", "matched_on"),
    Index("matter_told_on", "received_on"),
)

# Cases of other halls that look like cases of this one, as a guiding hall said.
alike_elsewhere = Table(
    "alike_elsewhere",
    metadata,
    Column("case_no", String(64), primary_key=True),
    Column("other_case_no", String(64), primary_key=True),
    Column("other_hall", String(40), nullable=False),
    Column("received_on", Date, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("stands", Boolean, nullable=False),
    Index("alike_elsewhere_on", "received_on"),
)

# How many cases stand in each queue of each item, kept with every act: nothing is counted when it is
# asked for.
queue_count = Table(
    "queue_count",
    metadata,
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("stage", Integer, primary_key=True, autoincrement=False),
    Column("item_id", String(64), primary_key=True),
    Column("cases", BigInteger, nullable=False),
)

# What this hall did, by day: a projection of the events, kept with every act.
number = Table(
    "number",
    metadata,
    Column("measure", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("item_id", String(64), primary_key=True),
    Column("handling_kind", Integer, primary_key=True, autoincrement=False),
    Column("amount", BigInteger, nullable=False),
)

# Whether this hall takes anything new: the last row counts. Before the first it is open.
hall_state = Table(
    "hall_state",
    metadata,
    Column(
        "position",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("state", Integer, nullable=False),
    Column("since", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("successor", String(40), nullable=False),
)

# Which hall goes on in the place of which, as a hall above both ordered.
transfer = Table(
    "transfer",
    metadata,
    Column("giver", String(40), primary_key=True),
    Column("taker", String(40), primary_key=True),
    Column("ordered_by", String(40), nullable=False),
    Column("ordered_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
)

# How halls below stand, as they said.
hall_below = Table(
    "hall_below",
    metadata,
    Column("hall", String(40), primary_key=True),
    Column("state", Integer, nullable=False),
    Column("since", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("successor", String(40), nullable=False),
)

# Days that are over and whose numbers were told in the feed.
number_day = Table(
    "number_day",
    metadata,
    Column("day", Date, primary_key=True),
    # Whether something of that day came to light since.
    Column("changed", Boolean, nullable=False),
)

# The numbers of a month as they were frozen. A line is never changed; a correction is the next line.
month_line = Table(
    "month_line",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("frozen_at", Moment, nullable=False),
    Column("frozen_by", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("numbers", Bytes, nullable=False),
    Column("digest", Bytes(32), nullable=False),
)

# Promises that were found broken, by the digest of the person: a projection of the events of the cases that
# this hall holds.
broken_promise = Table(
    "broken_promise",
    metadata,
    Column("case_id", String(36), primary_key=True),
    Column("person", FoundBy("broken_promise.person"), nullable=False),
    Column("broken_on", Date, nullable=False),
    # Empty until the credit is repaired.
    Column("repaired_on", Date),
    Index("broken_promise_of", "person", "repaired_on"),
)

# Who may not apply for an item again for a time because of deceit (行政许可法 articles 78 and 79), by the digest of
# the person: a projection of the events of the cases that this hall holds.
bar = Table(
    "bar",
    metadata,
    Column("case_id", String(36), primary_key=True),
    Column("person", FoundBy("bar.person"), nullable=False),
    Column("item_id", String(64), nullable=False),
    Column("article", String(64), nullable=False),
    Column("barred_until", Date, nullable=False),
    # Empty while it stands.
    Column("lifted_on", Date),
    Index("bar_of", "person", "item_id", "barred_until"),
)

# Which months were frozen without being asked, so that of several processes one does it.
month_claim = Table(
    "month_claim",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("claimed_at", Moment, nullable=False),
)

material = Table(
    "material",
    metadata,
    Column("digest", Bytes(32), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("stored_at", Moment, nullable=False),
    # Whether all its chunks are here.
    Column("complete", Boolean, nullable=False),
    Index("material_incomplete", "complete", "stored_at"),
)

material_chunk = Table(
    "material_chunk",
    metadata,
    Column("digest", Bytes(32), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("data", Closed("material_chunk.data"), nullable=False),
)

# Materials that arrived at the exchange and are to be fetched from there.
material_arrival = Table(
    "material_arrival",
    metadata,
    Column("digest", Bytes(32), primary_key=True),
    Column("size", BigInteger, nullable=False),
)

mandate = Table(
    "mandate",
    metadata,
    Column("mandate_id", String(36), primary_key=True),
    Column("agent_id", String(64), nullable=False),
    Column("valid_until", Date, nullable=False),
    Column("mandate", Closed("mandate.mandate"), nullable=False),
    # The last change that was entered; 0 if there was none.
    Column("change", Integer, nullable=False),
    Column("client_document", FoundBy("mandate.client_document")),
    Index("mandate_of_agent", "agent_id", "valid_until", "mandate_id"),
    Index("mandate_until", "valid_until", "mandate_id"),
    Index("mandate_of_client", "client_document", "valid_until", "mandate_id"),
)

account = Table(
    "account",
    metadata,
    Column("actor_id", String(64), primary_key=True),
    Column("kind", Integer, nullable=False),
    Column("name", Text, nullable=False),
    # The powers that the person was given, those that are over among them.
    Column("grants", Bytes, nullable=False),
    Column("points", Text, nullable=False),
    Column("password_hash", Bytes, nullable=False),
    # Since when it is the password, and whether the owner of the account chose it.
    Column("password_set_at", Moment),
    Column("password_is_own", Boolean),
    # Since when the person may do nothing here any more.
    Column("closed_at", Moment),
    # By which it is noticed that an agent, a client and who decides are the same person.
    Column("document", FoundBy("account.document")),
)

# Passwords and query codes that were wrong last time, by a digest of whose they are: what was typed as a name may
# be something else.
wrong_secret = Table(
    "wrong_secret",
    metadata,
    Column("whose", Bytes(32), primary_key=True),
    Column("wrong", Integer, nullable=False),
    Column("last_at", Moment, nullable=False),
    Index("wrong_secret_age", "last_at"),
)

# Keys of codes that change with time, beside passwords. The one in `begun` takes the other's place when it is confirmed.
second_factor = Table(
    "second_factor",
    metadata,
    Column("actor_id", String(64), primary_key=True),
    Column("key", Closed("second_factor.key")),
    Column("begun", Closed("second_factor.begun")),
    # The step of time of the last code that was right: no code counts twice.
    Column("last_step", BigInteger, nullable=False),
)

# Who looked at what, and who was refused what: each one row.
access_record = Table(
    "access_record",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("act", String(64), nullable=False),
    Column("purpose", ClosedText("access_record.purpose"), nullable=False),
    Column("refused", String(64), nullable=False),
    Index("access_of_subject", "subject", "position"),
)

number_counter = Table(
    "number_counter",
    metadata,
    Column("series", String(32), primary_key=True),
    Column("last", Integer, nullable=False),
)

# What numbers bear beside the count, up to a day: it is not known which were given.
number_word = Table(
    "number_word",
    metadata,
    Column("word", String(8), primary_key=True),
    # Counts them: the newest is used.
    Column("number", Integer, nullable=False),
    Column("noticed_on", Date, nullable=False),
)

# How the processes of this intake ended, and which start of the machine or the database server that was.
last_run = Table(
    "last_run",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("boot", String(64), nullable=False),
    Column("closed", Boolean, nullable=False),
)

# What stands around a window. Nothing here is part of a case; a case id is a reference.

window = Table(
    "window",
    metadata,
    Column("window_id", String(64), primary_key=True),
    Column("body", Bytes, nullable=False),
)

ticket = Table(
    "ticket",
    metadata,
    Column("ticket_id", String(24), primary_key=True),
    Column("day", Date, nullable=False),
    Column("state", Integer, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("called_at", Moment),
    Column("body", Bytes, nullable=False),
    Index("ticket_of_day", "day", "state", "ticket_id"),
    Index("ticket_called", "day", "called_at"),
)

slot = Table(
    "slot",
    metadata,
    Column("slot_id", String(96), primary_key=True),
    Column("group", String(64), nullable=False),
    Column("day", Date, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("body", Bytes, nullable=False),
    Index("slot_of_day", "day", "group", "slot_id"),
)

appointment = Table(
    "appointment",
    metadata,
    Column("appointment_id", String(36), primary_key=True),
    Column("slot_id", String(96), nullable=False),
    Column("holder", String(64), nullable=False),
    # Day, group and holder while it stands, so that nobody has two; empty once it is given back.
    Column("standing", String(160), unique=True),
    Column("state", Integer, nullable=False),
    Column("visitor", ClosedText("appointment.visitor"), nullable=False),
    Column("telephone", ClosedText("appointment.telephone", 32), nullable=False),
    Column("case_id", String(36), nullable=False),
    Column("made_at", Moment, nullable=False),
    Index("appointment_of_slot", "slot_id", "state", "made_at", "appointment_id"),
)

post = Table(
    "post",
    metadata,
    Column("post_id", String(64), primary_key=True),
    Column("body", Bytes, nullable=False),
)

shift = Table(
    "shift",
    metadata,
    Column("window_id", String(64), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("half", Integer, primary_key=True, autoincrement=False),
    Column("post_id", String(64), nullable=False),
    Index("shift_of_day", "day"),
)

absence = Table(
    "absence",
    metadata,
    Column("actor_id", String(64), primary_key=True),
    Column("first", Date, primary_key=True),
    Column("last", Date, nullable=False),
    Index("absence_until", "last"),
)

# Enquiries, ratings, complaints, fees and score sheets: each one value with its life.
window_record = Table(
    "window_record",
    metadata,
    Column("kind", Integer, primary_key=True, autoincrement=False),
    Column("record_id", String(64), primary_key=True),
    Column("subject", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("made_on", Date, nullable=False),
    # Empty once nobody has to act any more.
    Column("due_on", Date),
    Column("body", Closed("window_record.body"), nullable=False),
    Index("window_record_due", "due_on", "kind", "record_id"),
    Index("window_record_made", "kind", "made_on", "record_id"),
    Index("window_record_about", "kind", "subject", "record_id"),
)

# Who was invited to rate what: one invitation for each visit or case.
rating_invitation = Table(
    "rating_invitation",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("invited_on", Date, nullable=False),
    Column("answered", Boolean, nullable=False),
    Column("body", Closed("rating_invitation.body"), nullable=False),
    Index("rating_invited_on", "invited_on"),
)

# Alarms that were told, so that each is told once.
alarm_told = Table(
    "alarm_told",
    metadata,
    Column("alarm", String(128), primary_key=True),
    Column("told_at", Moment, nullable=False),
)

# Devices that work where there is no network. Who is shut out has no keys left.

device = Table(
    "device",
    metadata,
    Column("device_id", String(36), primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_digest", Bytes(32), nullable=False),
    Column("enrolled_by", String(64), nullable=False),
    Column("enrolled_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    # Empty while it may be used.
    Column("shut_out_by", String(64), nullable=False),
    Column("shut_out_at", Moment),
    Column("reason", Text, nullable=False),
)

# The key under which the items of an account lie on a device.
device_account = Table(
    "device_account",
    metadata,
    Column("device_id", String(36), primary_key=True),
    Column("actor_id", String(64), primary_key=True),
    # None once the device is shut out: what lies on it can be read by nobody.
    Column("item_key", Closed("device_account.item_key")),
    Column("opened_at", Moment, nullable=False),
    Index("device_account_of", "actor_id", "device_id"),
)

# What came from devices, and what became of it.
device_item = Table(
    "device_item",
    metadata,
    Column("actor_id", String(64), primary_key=True),
    Column("client_id", String(36), primary_key=True),
    Column("digest", Bytes(32), nullable=False),
    Column("device_id", String(36), nullable=False),
    Column("came_at", Moment, nullable=False),
    Column("state", Integer, nullable=False),
    # Of what was done: the case, and numbers of its events that the device knew before they happened.
    Column("case_id", String(36), nullable=False),
    Column("events", Text, nullable=False),
    Column("result", Closed("device_item.result"), nullable=False),
    # Empty once it is done or discarded: what was wanted stands in the case then, or is wanted no more.
    Column("body", Closed("device_item.body"), nullable=False),
    Index("device_item_kept", "state", "came_at", "actor_id", "client_id"),
    Index("device_item_came", "came_at"),
)

# Case numbers that devices may give to applicants. One that is not used is never given to anybody else.
reserved_number = Table(
    "reserved_number",
    metadata,
    Column("case_no", String(64), primary_key=True),
    Column("actor_id", String(64), nullable=False),
    Column("device_id", String(36), nullable=False),
    Column("query_code", ClosedText("reserved_number.query_code", 16), nullable=False),
    Column("until", Moment, nullable=False),
    # Whether it is free still: neither used nor given back.
    Column("free", Boolean, nullable=False),
    Index("reserved_number_of", "actor_id", "free", "until"),
)

# Uploads that may go on at any byte. They become materials once their digest is right.
partial_upload = Table(
    "partial_upload",
    metadata,
    Column("actor_id", String(64), primary_key=True),
    Column("digest", Bytes(32), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Index("partial_upload_changed", "changed_at"),
)

partial_chunk = Table(
    "partial_chunk",
    metadata,
    Column("actor_id", String(64), primary_key=True),
    Column("digest", Bytes(32), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("data", Closed("partial_chunk.data"), nullable=False),
)
