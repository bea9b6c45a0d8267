"""Handling: what staff and agents of this hall do with cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from hallnet.case import command as commands
from hallnet.case.case import Case, day_of
from hallnet.case.catalogue import accepts_here, competent_hall
from hallnet.case.command import Command, File
from hallnet.case.context import Context
from hallnet.case.decide import decide, file_case
from hallnet.case.event import REQUEST, CaseRequest, Channel, Supplemented, Wish, Withdrawn
from hallnet.case.fact import MandateChanged, Renewal
from hallnet.case.grant import Held, departments_of
from hallnet.case.item import ItemVersion
from hallnet.case.kind import axes_of, axes_of_item, names_of
from hallnet.case.person import ActorKind, Material, Person
from hallnet.case.power import Power
from hallnet.case.problems import (
    CaseUnknown,
    ItemNotAcceptedHere,
    ItemUnknown,
    MaterialUnknown,
    PointNotYours,
)
from hallnet.intake import (
    accounts,
    cases,
    credit,
    dispatches,
    hall_state,
    joining,
    mandates,
    memory,
    owners,
    tables,
)
from hallnet.intake.accounts import Account
from hallnet.intake.context import Hall
from hallnet.intake.numbering import Paper, next_case_no, next_document_no, query_code
from hallnet.intake.papers import materials, reusing
from hallnet.intake.window.records import FEES
from hallnet.node import telemetry
from hallnet.places import Address, Village
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.sharing import LookUp

_PAPERS = {
    commands.GiveNotice: Paper.NOTICE,
    commands.Accept: Paper.ACCEPTANCE,
    commands.Decline: Paper.DECLINE,
    commands.Decide: Paper.DECISION,
    commands.AcceptWithGaps: Paper.ACCEPTANCE,
    commands.SignCommitment: Paper.COMMITMENT,
    commands.BeginProcedure: Paper.PROCEDURE,
    commands.Extend: Paper.EXTENSION,
    commands.RevokeDecision: Paper.REVOCATION,
    commands.End: Paper.END,
    commands.TellRights: Paper.RIGHTS,
}


_GIVES_RESULTS = (commands.Issue, commands.Close)


def look_ups_of(command: Command, case_id: str) -> dict[LookUp, str]:
    """What an act will look up, for a transaction that many share."""
    keys: dict[LookUp, str] = {cases.look_up: case_id}
    if isinstance(command, _GIVES_RESULTS):
        keys[FEES.look_up] = case_id
    return keys


@dataclass(frozen=True, slots=True)
class Numbered:
    """A number that was taken out of the hall's count before, and the word that goes with it."""

    case_no: str
    query_code: str


def file(
    connection: Connection,
    hall: Hall,
    case_id: str,
    actor_id: str,
    item_id: str,
    option: str,
    applicant: Person,
    channel: Channel,
    intake_point: Village | None,
    for_division: str,
    handed_in: Sequence[Material],
    mandate_id: str,
    now: datetime,
    for_prereview: bool = False,
    numbered: Numbered | None = None,
    renews: Renewal | None = None,
) -> Case:
    """Receive an application at this hall or one of its village points, under the next number or the one that it has.

    Raises the problems of the item, the place, the person, the mandate and the materials, MaterialNotHeld.
    """
    account = accounts.find(connection, actor_id)
    hall_state.require_open(connection, hall)
    _require_own_point(account, intake_point)
    today = day_of(now)
    item = hall.releases.item_to_file(connection, item_id, today)
    at_village = intake_point is not None
    if intake_point is not None:
        hall.register.village_name(intake_point)
    wrong_village = intake_point is not None and intake_point.township != hall.address
    if wrong_village or not accepts_here(item, hall.address, hall.branch_field, at_village):
        raise ItemNotAcceptedHere("item_id", item=item.name)
    competent = competent_hall(item, hall.address, hall.branch_field, for_division, hall.register)
    handed_in = reusing.with_those_taken_again(
        connection, hall, account, handed_in, applicant, item, today
    )
    materials.require_here(connection, handed_in, "materials")
    mandate = mandates.find(connection, mandate_id) if mandate_id else None
    numbered = numbered or Numbered(
        next_case_no(connection, hall.address, today, hall.records.word_on(today)),
        query_code(hall.random_bytes(16)),
    )
    command = File(
        case_no=numbered.case_no,
        query_code=numbered.query_code,
        option=option,
        applicant=applicant,
        channel=channel,
        intake_point=intake_point,
        competent_hall=competent,
        materials=tuple(handed_in),
        mandate=mandate,
        for_prereview=for_prereview,
        renews=renews,
        overlay=hall.releases.overlay_of(connection, item),
        owner=_owner_of_new(connection, hall, account, channel, item_id, now),
    )
    held = held_for(connection, hall, account, item, today)
    # Only of items that concern safety is anybody barred: for all others nothing is looked up.
    bar = credit.bar_of(connection, applicant, item_id, today) if item.concerns_safety else None
    context = Context(
        now, hall.address, account.actor, held.powers, item, "", lapsed=held.lapsed, bar=bar
    )
    filed = file_case(command, context)
    return cases.append(connection, hall, case_id, None, [filed], account.actor, now)


def held_materials(
    connection: Connection,
    hall: Hall,
    actor_id: str,
    item_id: str,
    applicant: Person,
    now: datetime,
) -> list[Material]:
    """What an applicant has handed in here before, of what an item asks for, for staff who may receive it.

    Raises ActorUnknown, ItemUnknown, ItemNotInForce, PowerMissing, PowerLapsed.
    """
    account, today = accounts.staff_member(connection, actor_id, "actor_id"), day_of(now)
    item = hall.releases.item_to_file(connection, item_id, today)
    held_for(connection, hall, account, item, today).require(Power.RECEIVE)
    return reusing.held(connection, hall, applicant, item, today)


def held_materials_for(
    connection: Connection, hall: Hall, actor_id: str, case_ref: str, now: datetime
) -> list[Material]:
    """The same for a case that is to be supplemented, by its own version of the item and without what it has itself;
    and what other halls supplied for it.

    Raises ActorUnknown, CaseUnknown, ItemUnknown, PowerMissing, PowerLapsed.
    """
    account, today = accounts.staff_member(connection, actor_id, "actor_id"), day_of(now)
    case = cases.load(connection, cases.id_of(connection, case_ref))
    item = item_of(connection, hall, case)
    held_for(connection, hall, account, item, today).require(Power.VERIFY)
    has = {material.name for material in case.materials}
    found = reusing.held(connection, hall, case.filed.applicant, item, today, case.case_id)
    own = [material for material in found if material.name not in has]
    return own + reusing.supplied_for(connection, case, today)


def held_for(
    connection: Connection, hall: Hall, account: Account, item: ItemVersion, day: date
) -> Held:
    """What somebody may do about applications for an item."""
    policy = hall.releases.policy(connection)
    return accounts.held(
        connection,
        account,
        day,
        item.item_id,
        lambda: names_of(axes_of_item(item), policy),
        departments_of(item),
    )


def act(
    connection: Connection,
    hall: Hall,
    actor_id: str,
    case_ref: str,
    command: Command,
    now: datetime,
) -> Case:
    """Carry out a command on a case of which this hall is the custodian."""
    account = accounts.find(connection, actor_id)
    case = cases.load(connection, cases.id_of(connection, case_ref))
    require_may_look(account, case)
    return carry_out(connection, hall, account, case, command, now)


def act_or_ask(
    connection: Connection,
    hall: Hall,
    actor_id: str,
    case_ref: str,
    command: Command,
    request_id: str,
    now: datetime,
) -> tuple[Case, bool]:
    """Carry out a command here if this hall is the custodian; else pass a wish of the applicant on.

    Returns the case and whether the wish was passed on. Raises what the rules raise, NotTheCustodian.
    """
    account = accounts.find(connection, actor_id)
    case = cases.load(connection, cases.id_of(connection, case_ref))
    require_may_look(account, case)
    if account.actor.kind is ActorKind.AGENT and case.filed.mandate is not None:
        mandates.require_standing(connection, case.filed.mandate.mandate_id)
    if isinstance(command, commands.Supplement):
        command = _with_those_taken_again(connection, hall, account, case, command, day_of(now))
    wish = wish_of(command, case)
    if isinstance(wish, MandateChanged):
        mandates.note_change(connection, wish)
    if isinstance(wish, Supplemented):
        materials.require_here(connection, wish.materials, "materials")
    elsewhere = case.custodian != hall.address and case.transit is None
    if wish is not None and elsewhere and case.home == hall.address:
        _pass_on(connection, account, case, wish, request_id, now)
        return case, True
    return carry_out(connection, hall, account, case, command, now), False


def _with_those_taken_again(
    connection: Connection,
    hall: Hall,
    account: Account,
    case: Case,
    command: commands.Supplement,
    today: date,
) -> commands.Supplement:
    if not any(material.taken_from for material in command.materials):
        return command
    taken = reusing.with_those_taken_again(
        connection,
        hall,
        account,
        command.materials,
        case.filed.applicant,
        item_of(connection, hall, case),
        today,
        case,
    )
    return commands.Supplement(tuple(taken))


def item_of(connection: Connection, hall: Hall, case: Case) -> ItemVersion:
    """Raises ItemUnknown."""
    item = cases.item_of(connection, hall, case)
    if item is None:
        raise ItemUnknown("item_id", item=case.filed.item_id)
    return item


def carry_out(
    connection: Connection,
    hall: Hall,
    account: Account,
    case: Case,
    command: Command,
    now: datetime,
) -> Case:
    """Carry out a command for an account of this hall, or for one that another hall vouches for."""
    context = context_of(connection, hall, account, case, command, now)
    facts = decide(case, command, context)
    materials.require_here(connection, _papers_of(command), "materials")
    owners.require_known(connection, command)
    after = cases.append(connection, hall, case.case_id, case, facts, account.actor, now)
    return joining.follow(connection, hall, case, after, context)


def context_of(
    connection: Connection,
    hall: Hall,
    account: Account,
    case: Case,
    command: Command | None,
    now: datetime,
) -> Context:
    """What a decision needs to know; a number is taken only for a command that makes a paper."""
    item = item_of(connection, hall, case)
    paper = _PAPERS.get(type(command)) if command is not None else None
    today = day_of(now)
    word = hall.records.word_in(today.year)
    number = next_document_no(connection, hall.address, paper, today, word) if paper else ""
    local = hall.releases.local_rules(connection)
    costs, gives_result = bool(item.fees), isinstance(command, _GIVES_RESULTS)
    held = accounts.held(
        connection,
        account,
        day_of(now),
        item.item_id,
        lambda: names_of(axes_of(case, item), local.policy),
        departments_of(item, case),
    )
    return Context(
        now,
        hall.address,
        account.actor,
        held.powers,
        item,
        number,
        hall.releases.results_suspended_since(connection, hall.founded_at, now),
        local.calendar,
        local.policy,
        joining.planned(connection, hall, case, item, command, now),
        joining.legs_due(connection, hall, case, command),
        FEES.find(connection, case.case_id) if costs and gives_result else None,
        memory.clocks_of,
        held.lapsed,
        owners.stands_in_for(connection, account.actor.actor_id, command, day_of(now)),
        credit.broken_for(connection, case, item, command),
        _successors(connection, hall, command),
    )


def _owner_of_new(
    connection: Connection,
    hall: Hall,
    account: Account,
    channel: Channel,
    item_id: str,
    now: datetime,
) -> str:
    """Who files at the counter answers for the case (首办负责); else whom the rule names."""
    if account.actor.kind is ActorKind.STAFF and channel is not Channel.ONLINE:
        return ""
    return owners.of_arrival(connection, hall, None, item_id, now)


def _successors(connection: Connection, hall: Hall, command: Command | None) -> frozenset[Address]:
    named = isinstance(command, commands.HandOver) and command.successor is not None
    return hall_state.successors(connection, hall) if named else frozenset()


def _papers_of(command: Command) -> Sequence[Material]:
    """The files that a command names: their bytes have to be here."""
    if isinstance(command, commands.AcceptWithGaps):
        return [command.promise]
    if isinstance(command, commands.SignCommitment):
        return [command.evidence]
    return ()


def require_may_look(account: Account, case: Case) -> None:
    """Staff look at the cases of their hall, an agent at those that were filed under a mandate for
    that agent; of others an agent does not learn that they are there. Raises CaseUnknown."""
    mandate = case.filed.mandate
    own = mandate is not None and mandate.agent_id == account.actor.actor_id
    if account.actor.kind is ActorKind.AGENT and not own:
        raise CaseUnknown("case_ref")


def require_may_read(
    connection: Connection, actor_id: str, case_id: str, digest: bytes, today: date
) -> None:
    """A material is read for a case to which it belongs, or for which another hall supplied it; raises CaseUnknown,
    MaterialUnknown."""
    case = cases.load(connection, case_id)
    require_may_look(accounts.find(connection, actor_id), case)
    papers = [*case.materials]
    if case.filed.mandate is not None and case.filed.mandate.evidence is not None:
        papers.append(case.filed.mandate.evidence)
    if digest in {paper.digest for paper in papers}:
        return
    if digest not in {paper.digest for paper in reusing.supplied_for(connection, case, today)}:
        raise MaterialUnknown("digest", item=case.case_no, material=digest.hex()[:16])


def _require_own_point(account: Account, point: Village | None) -> None:
    """An agent files at a village point of his or her own."""
    if account.actor.kind is ActorKind.AGENT and point not in account.points:
        raise PointNotYours("intake_point")


def _pass_on(
    connection: Connection,
    account: Account,
    case: Case,
    wish: Wish,
    request_id: str,
    now: datetime,
) -> None:
    handed_in = wish.materials if isinstance(wish, Supplemented) else ()
    request = CaseRequest(case.case_id, request_id, account.actor, now, wish)
    raw = REQUEST.to_bytes(request)
    message = dispatches.dispatch(
        case.custodian, dispatches.REQUEST_KIND, case.case_id, raw, handed_in
    )
    entry = Entry("case.request_sent", case.case_id, raw, now, [message], telemetry.traceparent())
    tables.feed.append(connection, [entry])


def command_of(wish: Wish) -> Command:
    if isinstance(wish, Withdrawn):
        return commands.Withdraw(wish.reason)
    if isinstance(wish, MandateChanged):
        return commands.ChangeMandate(wish.change, wish.reason)
    return commands.Supplement(wish.materials)


def wish_of(command: Command, case: Case) -> Wish | None:
    """What the applicant wants, if a command is such a wish: the hall of intake passes it on."""
    mandate = case.filed.mandate
    if isinstance(command, commands.Supplement):
        return Supplemented(command.materials)
    if isinstance(command, commands.Withdraw):
        return Withdrawn(command.reason)
    if isinstance(command, commands.ChangeMandate) and mandate is not None:
        return MandateChanged(mandate.mandate_id, command.change, command.reason)
    return None
