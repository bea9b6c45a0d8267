"""Papers that another hall has: asked for, answered and supplied between halls, by messages that each keeps on record
(政务数据共享条例 articles 20 to 22 and 29).

The record of a request stands at both halls. A message holds all that its sender said so far, so that one that
is late, or comes twice, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar

from google.protobuf.message import Message

from hallnet.case.case import day_of
from hallnet.case.person import SYSTEM, Material
from hallnet.case.power import Power
from hallnet.codec import Codec, parse
from hallnet.intake import accounts, cases, dispatches, handling, owners, tables
from hallnet.intake.answering import insert_record
from hallnet.intake.context import Hall
from hallnet.intake.identifiers import is_id, new_id
from hallnet.intake.papers import materials, reusing
from hallnet.intake.steps import hall_name
from hallnet.intake.window.codecs import PAPER_ANSWER, PAPER_REQUEST
from hallnet.intake.window.records import PAPERS_ASKED, PAPERS_WANTED, Records
from hallnet.node import telemetry
from hallnet.node.bounds import require_bounds
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.window import paper_answering as answering
from hallnet.window import paper_request as asking
from hallnet.window.paper_request import (
    PAPERS_OF_A_CASE_MAX,
    PaperGround,
    PaperRequest,
    PaperRequestState,
)
from hallnet.window.problems import PaperNotToBeAsked
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.window.v1 import paper_request_pb2 as wire

Value = TypeVar("Value")
Said = TypeVar("Said", bound=Message)
ASKED_KIND, ANSWERED_KIND = "paper.asked", "paper.answered"
REQUEST_SENT, ANSWER_SENT = "paper.request_sent", "paper.answer_sent"
WANTED, ANSWERED, UNDELIVERED = "paper.wanted", "paper.answer_came", "paper.undelivered"
"""What the feed tells staff."""
_OF_THE_ASKER_ALONE = ("owner", "answer", "due_on", "told", "extended", "undelivered")
_LOOKED, _SUPPLIED = "FindPapers", "SupplyPaper"


# At the hall that asks


def ask(
    connection: Connection,
    hall: Hall,
    actor_id: str,
    case_ref: str,
    to: Address,
    paper: str,
    basis: str,
    purpose: str,
    used_until: date,
    now: datetime,
) -> PaperRequest:
    """Ask another hall for a paper that the item of a case asks for and this hall does not have.

    Raises what `asking.asked` raises, PaperNotToBeAsked, AskedBefore, CaseUnknown, ItemUnknown, PowerMissing.
    """
    account, today = accounts.staff_member(connection, actor_id, "act.actor_id"), day_of(now)
    case = cases.load(connection, cases.id_of(connection, case_ref))
    item = handling.item_of(connection, hall, case)
    handling.held_for(connection, hall, account, item, today).require(Power.VERIFY)
    request = asking.asked(
        new_id(now, hall.random_bytes),
        case,
        item,
        hall.address,
        to,
        paper,
        basis,
        purpose,
        used_until,
        actor_id,
        account.actor.name,
        now,
        hall.releases.calendar(connection),
    )
    before = PAPERS_ASKED.about(connection, case.case_id, PAPERS_OF_A_CASE_MAX)
    for one in before:
        asking.require_not_asked_before(one, to, paper)
    if len(before) == PAPERS_OF_A_CASE_MAX:
        detail = f"本件的调取申请已达{PAPERS_OF_A_CASE_MAX}件"
        raise PaperNotToBeAsked("paper", paper=paper, detail=detail)
    own = reusing.held(connection, hall, case.filed.applicant, item, today, case.case_id)
    if paper in {material.name for material in own}:
        raise PaperNotToBeAsked("paper", paper=paper, detail="本厅已有该材料，可以直接沿用")
    insert_record(connection, now, actor_id, case.case_id, "AskForPaper", f"{to} {paper}", "")
    PAPERS_ASKED.add(connection, request)
    _send_request(connection, request, now)
    return request


def step_as_asker(
    connection: Connection,
    request_no: str,
    rule: Callable[[PaperRequest], PaperRequest],
    now: datetime,
) -> PaperRequest:
    """What the hall that asks does further; raises RecordUnknown and what the rule raises."""
    request = PAPERS_ASKED.change(connection, request_no, rule)
    _send_request(connection, request, now)
    return request


def take_answer(
    connection: Connection, hall: Hall, sender: Address, payload: bytes, now: datetime
) -> None:
    """Only the hall that was asked answers. What nobody can read changes nothing."""
    answer = _read(wire.PaperAnswer, PAPER_ANSWER, payload)
    if answer is None:
        return
    changed = _if_changed(
        connection,
        PAPERS_ASKED,
        answer.request_no,
        lambda one: asking.learned(one, answer) if one.asked == sender else one,
    )
    if changed is not None:
        state = asking.STATE_NAMES[answer.state]
        _tell(connection, hall, ANSWERED, sender, changed, state, now)


# At the hall that is asked


def take_request(
    connection: Connection, hall: Hall, sender: Address, payload: bytes, now: datetime
) -> None:
    """A hall asks for itself. Beyond a bound for each hall it is refused at once, and not kept."""
    said = _read(wire.PaperRequest, PAPER_REQUEST, payload)
    if said is None or not (is_id(said.request_no) and is_id(said.case_id)):
        return
    if (said.asker, said.asked) != (sender, hall.address):
        return
    policy, calendar = hall.releases.policy(connection), hall.releases.calendar(connection)
    limit = answering.answer_limit(policy, said.paper)
    if PAPERS_WANTED.find(connection, said.request_no) is None:
        owner = owners.of_arrival(connection, hall, None, "", now)
        request = answering.received(said, owner, now, calendar, limit)
        if PAPERS_WANTED.waiting_about(connection, str(sender)) >= answering.OPEN_OF_ONE_HALL_MAX:
            full, words = PaperGround.TOO_MANY, answering.TOO_MANY_WORDS
            _send_answer(connection, answering.refused(request, SYSTEM.name, full, words, now), now)
            return
        PAPERS_WANTED.add(connection, request)
    else:
        changed = _if_changed(
            connection,
            PAPERS_WANTED,
            said.request_no,
            lambda one: answering.received_again(one, said, now, calendar, limit),
        )
        if changed is None:
            return
        request = changed
    if limit == answering.UNCONDITIONAL_LIMIT and _supplied_at_once(connection, hall, request, now):
        return
    if request.due_on is not None:
        _tell(connection, hall, WANTED, sender, request, f"{request.due_on}前答复", now)


def _supplied_at_once(
    connection: Connection, hall: Hall, request: PaperRequest, now: datetime
) -> bool:
    """Article 14: what is shared without conditions waits for nobody, if the applicant's is here."""
    if request.state is not PaperRequestState.OPEN:
        return False
    found = _held(connection, hall, request, now)
    if not found:
        return False
    paper, case_no = found[0], found[0].taken_from
    _record(connection, SYSTEM.actor_id, case_no, _SUPPLIED, request, now)
    step_as_asked(
        connection,
        request.request_no,
        lambda one: answering.supplied(one, SYSTEM.name, paper, case_no, "", now),
        now,
    )
    return True


def find(
    connection: Connection, hall: Hall, actor_id: str, request_no: str, now: datetime
) -> list[Material]:
    """What this hall has of the paper, while an answer is due; each case in it is on record as looked at.

    Raises RecordUnknown, StepNotPossible.
    """
    request = PAPERS_WANTED.known(connection, request_no)
    answering.require_to_be_supplied(request)
    found = _held(connection, hall, request, now)
    for material in found:
        _record(connection, actor_id, material.taken_from, _LOOKED, request, now)
    return found


def supply_from_case(
    connection: Connection,
    hall: Hall,
    actor_id: str,
    request: PaperRequest,
    case_no: str,
    now: datetime,
) -> Material:
    """The paper as it lies in a case here, on record there. Raises PaperNotFound."""
    found = _held(connection, hall, request, now)
    material = answering.found_in(request, found, case_no)
    _record(connection, actor_id, case_no, _SUPPLIED, request, now)
    return material


def step_as_asked(
    connection: Connection,
    request_no: str,
    rule: Callable[[PaperRequest], PaperRequest],
    now: datetime,
) -> PaperRequest:
    """What the hall that is asked does; raises RecordUnknown, MaterialNotUploaded and what the rule raises."""
    request = PAPERS_WANTED.change(connection, request_no, rule)
    _send_answer(connection, request, now)
    return request


# Both


def _read(kind: type[Said], codec: Codec[Value], payload: bytes) -> Value | None:
    """What another hall says; None for what nobody can read, or no hall has a reason to send."""
    try:
        message = parse(kind, payload)
        require_bounds(message)
        return codec.from_message(message)
    except Problem:
        return None


def take_delivery_end(
    connection: Connection, hall: Hall, ended: wire_feed.DeliveryEnded, now: datetime
) -> None:
    """What did not arrive waits for a person, who is told."""
    if ended.verdict == wire_envelope.VERDICT_ACCEPTED:
        return
    request_no, _, step = ended.reference.partition(" ")
    today, reason = day_of(now), ended.reason or "UNANSWERED"
    if ended.kind == ASKED_KIND:
        changed = _if_changed(
            connection,
            PAPERS_ASKED,
            request_no,
            lambda one: asking.not_arrived(one, reason, today),
        )
    else:
        number = int(step) if step.isdecimal() else 0
        changed = _if_changed(
            connection,
            PAPERS_WANTED,
            request_no,
            lambda one: answering.answer_not_arrived(one, number, reason, today),
        )
    if changed is not None:
        recipient = Address.parse(ended.recipient)
        _tell(connection, hall, UNDELIVERED, recipient, changed, reason, now)


def _if_changed(
    connection: Connection,
    kept: Records[PaperRequest],
    request_no: str,
    rule: Callable[[PaperRequest], PaperRequest],
) -> PaperRequest | None:
    """The request after a rule; None if there is none of this number, or nothing is new."""
    known = kept.find(connection, request_no)
    if known is None or rule(known) == known:
        return None
    return kept.change(connection, request_no, rule)


def _send_request(connection: Connection, request: PaperRequest, now: datetime) -> None:
    message = PAPER_REQUEST.to_message(request)
    for field in _OF_THE_ASKER_ALONE:
        message.ClearField(field)
    raw = message.SerializeToString()
    sent = dispatches.dispatch(
        request.asked, ASKED_KIND, request.case_id, raw, reference=request.request_no
    )
    _append(connection, Entry(REQUEST_SENT, request.case_id, raw, now, [sent]))


def _send_answer(connection: Connection, request: PaperRequest, now: datetime) -> None:
    answer = request.answer
    assert answer is not None
    papers = [answer.material] if answer.material is not None else []
    materials.require_here(connection, papers, "material")
    raw = PAPER_ANSWER.to_bytes(answer)
    reference = f"{request.request_no} {answer.step}"
    sent = dispatches.dispatch(
        request.asker, ANSWERED_KIND, request.case_id, raw, papers, reference
    )
    _append(connection, Entry(ANSWER_SENT, request.request_no, raw, now, [sent]))


def _append(connection: Connection, entry: Entry) -> None:
    tables.feed.append(connection, [replace(entry, traceparent=telemetry.traceparent())])


def _tell(
    connection: Connection,
    hall: Hall,
    kind: str,
    other: Address,
    request: PaperRequest,
    words: str,
    now: datetime,
) -> None:
    """Staff are told, with nothing about the person."""
    text = f"{hall_name(other, hall.register)}，{request.paper}，{words}"
    _append(connection, Entry(kind, request.request_no, text.encode(), now))


def _held(
    connection: Connection, hall: Hall, request: PaperRequest, now: datetime
) -> list[Material]:
    return reusing.held_by_name(connection, hall, request.applicant, request.paper, day_of(now))


def _record(
    connection: Connection,
    actor_id: str,
    case_no: str,
    act: str,
    request: PaperRequest,
    now: datetime,
) -> None:
    """For which matter of which hall a case was looked at, or a paper of it was given away (article 29)."""
    case_id = cases.id_of(connection, case_no)
    purpose = f"{request.asker} {request.case_no}"
    insert_record(connection, now, actor_id, case_id, act, purpose, "")
