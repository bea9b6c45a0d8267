"""Staff, agents and applicants: accounts, powers, mandates, and what each gets to see."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    AGENT,
    APPLICATION,
    AUTHORISATION,
    CLOSE,
    ELDER_CARD,
    GRANT,
    HAND_OVER,
    HUKOU,
    MATERIAL,
    NOTICE,
    OTHER_AGENT,
    OTHER_VILLAGE,
    PENSION,
    RELIEF,
    REVIEW,
    SUBSISTENCE,
    VILLAGE,
    WITHDRAW,
    Post,
    act,
    asking,
    everything,
    face,
    facts,
    file_request,
    history,
    mandate,
    put_accounts,
    records,
    row_of,
    supplement,
    told,
)
from tests.simulation.halls import CHIEF, CLERK, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.command import Command
from hallnet.case.event import DeclineGround
from hallnet.case.fact import MandateChange
from hallnet.case.mandate import MANDATE, Mandate, MandateAct
from hallnet.case.person import Actor, ActorKind, Person
from hallnet.case.power import Power
from hallnet.case.problems import (
    ActorUnknown,
    AgentNotAllowed,
    CaseUnknown,
    MandateEvidenceMissing,
    MandateEvidenceUnusable,
    MandateMissing,
    MandateNotForThis,
    MaterialEmpty,
    MaterialNotUploaded,
    MaterialTooLarge,
    MaterialUnknown,
    PowerLapsed,
    PowerMissing,
)
from hallnet.case.rules.problems import MandateChangeImpossible
from hallnet.intake import cases, tables
from hallnet.intake.accounts import Account
from hallnet.intake.face import IntakeFace
from hallnet.intake.papers import materials
from hallnet.node.home import Part
from hallnet.node.server import _caller
from hallnet.places.problems import VillageMalformed
from hallnet.problems import Problem
from hallnet.store.room import HallFull, Room
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

PASSWORD = "a word for tests"


# Accounts


def account_request(request_id: str, account: Account, password: str = "") -> Any:
    return wire.PutAccountRequest(
        request_id=request_id,
        account=wire.Account(
            actor=wire_person.Actor(
                kind=int(account.actor.kind),  # type: ignore[arg-type]
                actor_id=account.actor.actor_id,
                name=account.actor.name,
            ),
            powers=[int(power) for power in account.powers],  # type: ignore[misc]
            points=[str(point) for point in account.points],
        ),
        password=password,
    )


def sign_in(world: World, actor_id: str, password: str) -> wire.Account:
    request = wire.SignInRequest(actor_id=actor_id, password=password)
    account: wire.Account = ask(face(world).SignIn(request, None)).account
    return account


def test_who_signs_in_is_told_the_powers_and_points(world: World) -> None:
    ask(face(world).PutAccount(account_request("request-1", AGENT, PASSWORD), None))
    account = sign_in(world, "agent", PASSWORD)
    assert account.actor.name == "王代办"
    assert list(account.points) == [VILLAGE]
    assert list(account.powers) == []


def test_neither_half_of_a_wrong_sign_in_is_told(world: World) -> None:
    ask(face(world).PutAccount(account_request("request-1", AGENT, PASSWORD), None))
    problems = []
    for actor_id, password in (("agent", "wrong"), ("nobody", PASSWORD), ("clerk", ""), ("", "")):
        with pytest.raises(ActorUnknown) as caught:
            sign_in(world, actor_id, password)
        problems.append((caught.value.where, caught.value.in_chinese(), caught.value.particulars))
    assert len(set(map(str, problems))) == 1
    refused = records(world.at(TOWNSHIP), "SignIn")
    assert [row.actor_id for row in refused] == ["agent", "nobody", "clerk", ""]
    assert {row.refused for row in refused} == {"ACTOR_UNKNOWN"}


def test_an_account_without_a_password_signs_in_with_none(world: World) -> None:
    for password in ("", "x"):
        with pytest.raises(ActorUnknown):
            sign_in(world, "clerk", password)


def test_a_changed_account_keeps_its_password_unless_a_new_one_is_given(world: World) -> None:
    ask(face(world).PutAccount(account_request("request-1", AGENT, PASSWORD), None))
    moved = replace(AGENT, points=OTHER_AGENT.points)
    ask(face(world).PutAccount(account_request("request-2", moved), None))
    assert list(sign_in(world, "agent", PASSWORD).points) == [OTHER_VILLAGE]
    ask(face(world).PutAccount(account_request("request-3", moved, "another word 2"), None))
    with pytest.raises(ActorUnknown):
        sign_in(world, "agent", PASSWORD)
    assert sign_in(world, "agent", "another word 2").actor.actor_id == "agent"


def test_a_repeated_account_request_does_not_undo_what_came_after(world: World) -> None:
    first = account_request("request-1", AGENT, PASSWORD)
    ask(face(world).PutAccount(first, None))
    ask(face(world).PutAccount(account_request("request-2", AGENT, "another word 2"), None))
    ask(face(world).PutAccount(first, None))
    assert sign_in(world, "agent", "another word 2").actor.actor_id == "agent"


def test_passwords_are_kept_as_salted_hashes(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT, OTHER_AGENT, password=PASSWORD)
    hashes = [row.password_hash for row in rows(world.at(TOWNSHIP).intake, tables.account)]
    kept = [value for value in hashes if value]
    assert len(set(kept)) == 2
    assert not any(PASSWORD.encode() in value for value in kept)
    assert all(
        PASSWORD.encode() not in bytes(repr(row), "utf8") for row in records(world.at(TOWNSHIP))
    )


def test_only_staff_and_agents_have_accounts(world: World) -> None:
    for kind, name in ((ActorKind.APPLICANT, "somebody"), (ActorKind.SYSTEM, "system")):
        request = account_request("request-1", replace(AGENT, actor=Actor(kind, name, "某")))
        with pytest.raises(ActorUnknown):
            ask(face(world).PutAccount(request, None))
    nameless = account_request("request-1", replace(AGENT, actor=replace(AGENT.actor, actor_id="")))
    with pytest.raises(ActorUnknown):
        ask(face(world).PutAccount(nameless, None))
    nowhere = account_request("request-1", AGENT)
    nowhere.account.points[0] = "somewhere"
    with pytest.raises(VillageMalformed):
        ask(face(world).PutAccount(nowhere, None))


def test_who_has_no_account_does_nothing_and_sees_nothing(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    stranger = replace(CHIEF, actor=replace(CHIEF.actor, actor_id="stranger"))
    before = told(world.at(TOWNSHIP))
    requests: list[tuple[str, Any]] = [
        ("FileCase", file_request(world, actor=stranger)),
        ("ActOnCase", asking(act(stranger), case.case_id, wire_command.Accept())),
        ("GetCase", wire.GetCaseRequest(case_ref=case.case_id, actor_id="stranger")),
        ("ListCases", wire.ListCasesRequest(actor_id="stranger")),
    ]
    for method, request in requests:
        with pytest.raises(ActorUnknown):
            ask(getattr(face(world), method)(request, None))
    assert told(world.at(TOWNSHIP)) == before
    acts = ["FileCase", "Accept", "GetCase", "ListCases"]
    assert [(row.act, row.refused) for row in records(world.at(TOWNSHIP))] == [
        (name, "ACTOR_UNKNOWN") for name in acts
    ]


# Powers


NEEDED: list[tuple[str, str, Power, list[Command], Command]] = [
    (TOWNSHIP, SUBSISTENCE, Power.VERIFY, [], NOTICE),
    (TOWNSHIP, SUBSISTENCE, Power.RECEIVE, [], ACCEPT),
    (
        TOWNSHIP,
        SUBSISTENCE,
        Power.GATEKEEP,
        [],
        commands.Decline(DeclineGround.NOT_NEEDED, "无", ""),
    ),
    (TOWNSHIP, SUBSISTENCE, Power.REVIEW, [ACCEPT], REVIEW),
    (TOWNSHIP, SUBSISTENCE, Power.REVIEW, [ACCEPT, REVIEW], HAND_OVER),
    (TOWNSHIP, ELDER_CARD, Power.DECIDE_INSTANT, [], GRANT),
    (TOWNSHIP, RELIEF, Power.DECIDE, [ACCEPT], GRANT),
    (TOWNSHIP, RELIEF, Power.RECEIVE, [ACCEPT, GRANT], CLOSE),
    (TOWNSHIP, RELIEF, Power.RECEIVE, [], WITHDRAW),
]


def test_each_act_needs_its_power_and_no_other(world: World) -> None:
    for number, (at, item_id, power, before, command) in enumerate(NEEDED):
        case = world.file(at, item_id)
        for earlier in before:
            world.act(at, case, earlier)
        # An instant case is accepted in the same act, which needs the power to receive.
        enough = {power, Power.RECEIVE} if item_id == ELDER_CARD else {power}
        without = replace(
            CHIEF,
            actor=replace(CHIEF.actor, actor_id=f"without-{number}"),
            powers=frozenset(Power) - {power},
        )
        only = replace(
            CHIEF,
            actor=replace(CHIEF.actor, actor_id=f"only-{number}"),
            powers=frozenset(enough),
        )
        put_accounts(world, at, without, only)
        with pytest.raises(PowerMissing):
            world.act(at, case, command, without)
        assert world.act(at, case, command, only).marks[-1].at == world.time.now


def test_a_power_that_was_taken_away_is_gone_at_once(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    put_accounts(world, TOWNSHIP, replace(CLERK, powers=frozenset({Power.SUPERVISE})))
    with pytest.raises(PowerLapsed):
        world.act(TOWNSHIP, case, ACCEPT, CLERK)
    with pytest.raises(PowerLapsed):
        ask(face(world).FileCase(file_request(world, actor=CLERK), None))


# Mandates


def register(world: World, given: Mandate, actor: Account = AGENT, request_id: str = "") -> Mandate:
    request = wire.RegisterMandateRequest(
        act=act(actor, request_id), mandate=MANDATE.to_message(given)
    )
    return MANDATE.from_message(ask(face(world).RegisterMandate(request, None)).mandate)


def by_agent(
    world: World,
    given: Mandate,
    *,
    agent: Account = AGENT,
    applicant: Person | None = None,
    item_id: str = SUBSISTENCE,
    papers: tuple[str, ...] = (APPLICATION, AUTHORISATION),
) -> Case:
    """A case that an agent files at a point of her own under a mandate."""
    request = file_request(
        world,
        actor=agent,
        item_id=item_id,
        applicant=applicant or given.client,
        papers=papers,
        intake_point=str(agent.points[0]),
        mandate_id=given.mandate_id,
    )
    view = ask(face(world).FileCase(request, None)).case
    return world.at(TOWNSHIP).intake.look(lambda c: cases.load(c, view.summary.case_id))


def with_agents(world: World) -> Mandate:
    """Two agents, and a mandate of the first that is recorded."""
    put_accounts(world, TOWNSHIP, AGENT, OTHER_AGENT)
    return register(world, mandate(world, world.person()))


def test_a_mandate_is_recorded_with_an_id_and_told(world: World) -> None:
    given = with_agents(world)
    assert given.mandate_id
    (entry,) = told(world.at(TOWNSHIP), "mandate.registered")
    assert MANDATE.from_bytes(entry.payload) == given
    (row,) = rows(world.at(TOWNSHIP).intake, tables.mandate)
    assert MANDATE.from_bytes(row.mandate) == given


def test_a_repeated_request_records_a_mandate_once(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    given = mandate(world, world.person())
    first = register(world, given, request_id="one-request")
    assert register(world, given, request_id="one-request") == first
    assert len(rows(world.at(TOWNSHIP).intake, tables.mandate)) == 1


def test_a_mandate_that_brings_its_id_is_recorded_once_and_its_id_is_its_own(
    world: World,
) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    given = replace(mandate(world, world.person()), mandate_id="paper-17")
    assert register(world, given) == register(world, given) == given
    with pytest.raises(MandateNotForThis):
        register(world, replace(given, client=world.person()))
    assert len(told(world.at(TOWNSHIP), "mandate.registered")) == 1


def test_an_agent_records_mandates_for_herself_only(world: World) -> None:
    with_agents(world)
    for_another = mandate(world, world.person(), agent_id=OTHER_AGENT.actor.actor_id)
    with pytest.raises(MandateNotForThis):
        register(world, for_another)
    assert register(world, for_another, CLERK).agent_id == OTHER_AGENT.actor.actor_id
    with pytest.raises(ActorUnknown):
        register(world, mandate(world, world.person(), agent_id="nobody"), CLERK)


def test_a_mandate_that_proves_nothing_is_not_recorded(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    given = mandate(world, world.person())
    evidence = given.evidence
    assert evidence is not None
    useless: list[tuple[dict[str, Any], type[Problem]]] = [
        ({"evidence": None}, MandateEvidenceMissing),
        ({"evidence": replace(evidence, media_type="text/html")}, MandateEvidenceUnusable),
        ({"evidence": replace(evidence, digest=b"n" * 32)}, MaterialNotUploaded),
        ({"item_ids": ()}, MandateNotForThis),
        ({"acts": ()}, MandateNotForThis),
        ({"valid_until": given.valid_from - timedelta(days=1)}, MandateNotForThis),
    ]
    for changes, problem in useless:
        with pytest.raises(problem):
            register(world, replace(given, **changes))
    assert rows(world.at(TOWNSHIP).intake, tables.mandate) == []
    assert told(world.at(TOWNSHIP)) == []


def test_an_agent_files_for_her_client_under_the_mandate(world: World) -> None:
    given = with_agents(world)
    case = by_agent(world, given)
    assert case.filed.mandate == given
    assert case.filed.intake_point is not None
    assert row_of(world.at(TOWNSHIP), case).agent_id == AGENT.actor.actor_id


def test_a_mandate_covers_nothing_beyond_its_words(world: World) -> None:
    given = with_agents(world)
    with pytest.raises(MandateNotForThis):
        by_agent(world, given, applicant=world.person())
    with pytest.raises(MandateNotForThis):
        by_agent(world, given, item_id=RELIEF, papers=())
    with pytest.raises(MandateNotForThis):
        by_agent(world, given, agent=OTHER_AGENT)
    with pytest.raises(MandateMissing):
        by_agent(world, replace(given, mandate_id=""))
    with pytest.raises(MandateMissing):
        by_agent(world, replace(given, mandate_id="no-such-mandate"))
    world.time.pass_by(days=31)
    with pytest.raises(MandateNotForThis):
        by_agent(world, given)
    assert rows(world.at(TOWNSHIP).intake, tables.case) == []


def test_a_mandate_holds_on_its_last_day_and_not_after(world: World) -> None:
    given = with_agents(world)
    world.time.pass_by(days=30)
    case = by_agent(world, given)
    world.act(TOWNSHIP, case, NOTICE)
    world.time.pass_by(days=1)
    with pytest.raises(MandateNotForThis):
        world.act(TOWNSHIP, case, supplement(world, TOWNSHIP), AGENT)
    assert world.act(TOWNSHIP, case, supplement(world, TOWNSHIP), CLERK).sequence == 3


def test_a_mandate_to_submit_is_none_to_collect(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    given = register(
        world,
        mandate(world, world.person(), acts=(MandateAct.SUBMIT,), item_ids=(RELIEF,)),
    )
    case = by_agent(world, given, item_id=RELIEF, papers=_asked(world, RELIEF))
    for command in (ACCEPT, GRANT):
        world.act(TOWNSHIP, case, command)
    with pytest.raises(MandateNotForThis):
        world.act(TOWNSHIP, case, CLOSE, AGENT)
    with pytest.raises(PowerMissing):
        world.act(TOWNSHIP, case, GRANT, AGENT)


def test_a_suspended_permission_lets_its_agent_do_nothing_until_it_goes_on(world: World) -> None:
    """中止, 续办, 终止: entered for one case, it holds for all under the same permission."""
    put_accounts(world, TOWNSHIP, AGENT)
    given = register(
        world,
        mandate(world, world.person(), acts=(MandateAct.SUBMIT,), item_ids=(RELIEF,)),
    )
    papers = _asked(world, RELIEF)
    first, second = (by_agent(world, given, item_id=RELIEF, papers=papers) for _ in range(2))

    def change(to: MandateChange) -> None:
        command = wire_command.ChangeMandate(change=int(to), reason="本人要求")  # type: ignore[arg-type]
        ask(face(world).ActOnCase(asking(act(), first.case_id, command), None))

    def withdraw(case: Case) -> None:
        request = asking(act(AGENT), case.case_id, wire_command.Withdraw(reason="不办了"))
        ask(face(world).ActOnCase(request, None))

    change(MandateChange.SUSPENDED)
    for case in (first, second):
        with pytest.raises(MandateNotForThis):
            withdraw(case)
    with pytest.raises(MandateNotForThis):
        by_agent(world, given, item_id=RELIEF, papers=papers)
    change(MandateChange.RESUMED)
    withdraw(second)
    change(MandateChange.REVOKED)
    with pytest.raises(MandateNotForThis):
        withdraw(first)
    with pytest.raises(MandateChangeImpossible):
        change(MandateChange.RESUMED)


def _asked(world: World, item_id: str) -> tuple[str, ...]:
    case = world.file(TOWNSHIP, item_id)
    world.act(TOWNSHIP, case, WITHDRAW)
    return tuple(material.name for material in case.materials)


def test_what_no_agent_may_file_is_not_filed_under_a_mandate(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    item_id = "marriage-registration"
    given = register(world, mandate(world, world.person(), item_ids=(item_id, HUKOU)))
    with pytest.raises(Problem) as caught:
        by_agent(world, given, item_id=item_id, papers=())
    assert caught.value.reason in {AgentNotAllowed.reason, "ITEM_NOT_ACCEPTED_HERE"}


def test_staff_file_under_no_mandate_that_is_not_for_this_applicant(world: World) -> None:
    """With the case its agent would see papers of somebody who never asked for her."""
    given = with_agents(world)
    request = file_request(world, mandate_id=given.mandate_id)
    with pytest.raises(MandateNotForThis):
        ask(face(world).FileCase(request, None))
    own = file_request(world, mandate_id=given.mandate_id, applicant=given.client)
    assert ask(face(world).FileCase(own, None)).case.summary.case_id


# What agents see


def refused_as_unknown(world: World, method: str, request: Any) -> None:
    with pytest.raises(CaseUnknown):
        ask(getattr(face(world), method)(request, None))


def test_of_a_case_of_others_an_agent_does_not_learn_that_it_is_there(world: World) -> None:
    """Whatever she tries, the answer is the one for a case that there is not."""
    case = by_agent(world, with_agents(world))
    paper = MATERIAL.to_message(world.upload(TOWNSHIP, AUTHORISATION, b"x"))
    before = told(world.at(TOWNSHIP))
    for reference in (case.case_id, case.case_no, "no-such-case"):
        attempts: list[tuple[str, Any]] = [
            ("GetCase", wire.GetCaseRequest(case_ref=reference, actor_id="other-agent")),
            ("ActOnCase", asking(act(OTHER_AGENT), reference, wire_command.Accept())),
            ("ActOnCase", asking(act(OTHER_AGENT), reference, wire_command.Withdraw())),
            (
                "ActOnCase",
                asking(
                    act(OTHER_AGENT),
                    reference,
                    wire_command.Close(method=wire_event.DELIVERY_METHOD_POST),
                ),
            ),
            (
                "ActOnCase",
                asking(act(OTHER_AGENT), reference, wire_command.Supplement(materials=[paper])),
            ),
        ]
        for method, request in attempts:
            refused_as_unknown(world, method, request)
    assert told(world.at(TOWNSHIP)) == before
    assert {row.refused for row in records(world.at(TOWNSHIP))} == {"CASE_UNKNOWN"}


def test_an_agent_lists_her_own_cases_whatever_she_asks_for(world: World) -> None:
    given = with_agents(world)
    own = by_agent(world, given)
    others = register(world, mandate(world, world.person(), agent_id="other-agent"), OTHER_AGENT)
    by_agent(world, others, agent=OTHER_AGENT)
    world.file(TOWNSHIP, RELIEF)
    wishes: list[dict[str, Any]] = [{}, {"agent_id": "other-agent"}, {"in_custody": True}]
    for values in wishes:
        request = wire.ListCasesRequest(actor_id="agent", **values)
        answer = ask(face(world).ListCases(request, None))
        assert [row.case_id for row in answer.cases] == [own.case_id]
        assert answer.total == 1
    staff = wire.ListCasesRequest(actor_id="clerk")
    assert ask(face(world).ListCases(staff, None)).total == 3


# Materials


def read(
    world: World,
    digest: bytes,
    case: Case | None,
    actor: str,
    part: Part,
    offset: int = 0,
    length: int = 0,
) -> bytes:
    """The bytes of a material, as a part of the node asks for them."""

    async def call() -> bytes:
        _caller.set(part)
        request = wire.ReadMaterialRequest(
            digest=digest,
            case_id=case.case_id if case else "",
            actor_id=actor,
            offset=offset,
            length=length,
        )
        return b"".join([part.data async for part in face(world).ReadMaterial(request, None)])

    return asyncio.run(call())


def test_materials_are_read_for_a_case_by_who_may_see_it(world: World) -> None:
    given = with_agents(world)
    case = by_agent(world, given)
    other = world.file(TOWNSHIP, RELIEF)
    digest = case.materials[0].digest
    assert given.evidence is not None
    for actor in ("clerk", "agent"):
        assert read(world, digest, case, actor, Part.PORTAL).startswith(APPLICATION.encode())
        assert read(world, given.evidence.digest, case, actor, Part.PORTAL)
    with pytest.raises(CaseUnknown):
        read(world, digest, case, "other-agent", Part.PORTAL)
    with pytest.raises(CaseUnknown):
        read(world, digest, None, "clerk", Part.PORTAL)
    with pytest.raises(MaterialUnknown):
        read(world, digest, other, "clerk", Part.PORTAL)
    looked = [(row.actor_id, row.refused) for row in records(world.at(TOWNSHIP), "ReadMaterial")]
    assert looked == [
        ("clerk", ""),
        ("clerk", ""),
        ("agent", ""),
        ("agent", ""),
        ("other-agent", "CASE_UNKNOWN"),
        ("clerk", "CASE_UNKNOWN"),
        ("clerk", "MATERIAL_UNKNOWN"),
    ]


def test_the_exchange_reads_materials_without_a_case_and_nobody_is_recorded(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    assert read(world, case.materials[0].digest, None, "", Part.EXCHANGE)
    with pytest.raises(MaterialNotUploaded):
        read(world, b"n" * 32, None, "", Part.EXCHANGE)
    assert [row.refused for row in records(world.at(TOWNSHIP))] == ["MATERIAL_NOT_UPLOADED"]


def upload(world: World, *parts: wire.UploadMaterialRequest) -> wire.UploadMaterialResponse:
    async def stream() -> AsyncIterator[wire.UploadMaterialRequest]:
        for part in parts:
            yield part

    answer: wire.UploadMaterialResponse = ask(face(world).UploadMaterial(stream(), None))
    return answer


def described(actor: Account = CLERK) -> wire.UploadMaterialRequest:
    return wire.UploadMaterialRequest(
        description=wire.MaterialDescription(
            act=act(actor), name=APPLICATION, media_type="image/png"
        )
    )


def piece(data: bytes) -> wire.UploadMaterialRequest:
    return wire.UploadMaterialRequest(data=data)


def test_a_material_is_kept_once_under_the_digest_of_its_bytes(world: World) -> None:
    data = bytes(range(256)) * 4096
    cut = [piece(data[at : at + 200_000]) for at in range(0, len(data), 200_000)]
    first = upload(world, described(), *cut).material
    assert upload(world, described(), piece(data)).material == first
    assert first.size == len(data)
    assert len(rows(world.at(TOWNSHIP).intake, tables.material)) == 1
    kept = rows(world.at(TOWNSHIP).intake, tables.material_chunk)
    assert b"".join(row.data for row in kept) == data
    assert {len(row.data) for row in kept} == {materials.CHUNK_BYTES}


def test_what_is_no_material_is_not_kept(world: World) -> None:
    bad: list[tuple[type[Problem], list[wire.UploadMaterialRequest]]] = [
        (MaterialEmpty, []),
        (MaterialEmpty, [described()]),
        (MaterialEmpty, [piece(b"x")]),
        (ActorUnknown, [described(AGENT), piece(b"x")]),
    ]
    for problem, parts in bad:
        with pytest.raises(problem):
            upload(world, *parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(materials, "MATERIAL_BYTES_MAX", 2**20)
        with pytest.raises(MaterialTooLarge):
            upload(world, described(), *[piece(b"x" * 2**18)] * 5)
    assert rows(world.at(TOWNSHIP).intake, tables.material) == []
    assert [row.refused for row in records(world.at(TOWNSHIP), "UploadMaterial")] == [
        "ACTOR_UNKNOWN"
    ]


def test_a_material_larger_than_a_slice_is_kept_and_read_whole_or_in_part(world: World) -> None:
    data = random.Random("large").randbytes(2 * materials.SLICE_BYTES + 7)
    step = 700_000
    cut = [piece(data[at : at + step]) for at in range(0, len(data), step)]
    digest = upload(world, described(), *cut).material.digest
    assert read(world, digest, None, "", Part.EXCHANGE) == data
    middle = materials.SLICE_BYTES - 5
    for offset, length in ((middle, 10), (1, materials.SLICE_BYTES), (len(data), 1), (3, 0)):
        part = read(world, digest, None, "", Part.EXCHANGE, offset, length)
        assert part == data[offset : offset + (length or len(data))]


def test_a_full_hall_refuses_uploads_and_keeps_nothing_of_them(world: World) -> None:
    station = world.at(TOWNSHIP)
    full = IntakeFace(
        station.intake, station.hall, lambda: world.time.now, lambda: Room(2**20, 2**20 + 1)
    )

    async def stream() -> AsyncIterator[wire.UploadMaterialRequest]:
        for part in (described(), piece(b"x")):
            yield part

    with pytest.raises(HallFull):
        ask(full.UploadMaterial(stream(), None))
    assert rows(station.intake, tables.material) == []
    assert world.file(TOWNSHIP, RELIEF)


def test_an_upload_that_broke_off_does_not_count_and_is_removed_after_a_day(world: World) -> None:
    station, data = world.at(TOWNSHIP), b"x" * (materials.SLICE_BYTES + 1)
    digest = hashlib.sha256(data).digest()

    def break_off(connection: Any) -> None:
        materials.begin(connection, digest, len(data), "image/png", world.time.now)
        materials.add(connection, digest, 0, data[: materials.SLICE_BYTES])

    station.intake.transact(break_off)
    with pytest.raises(MaterialNotUploaded):
        read(world, digest, None, "", Part.EXCHANGE)
    for hours, left in ((23, materials.SLICE_CHUNKS), (2, 0)):
        world.time.pass_by(hours=hours)
        station.intake.transact(lambda c: materials.discard_old(c, world.time.now))
        assert len(rows(station.intake, tables.material_chunk)) == left
    cut = [piece(data[at : at + 2**20]) for at in range(0, len(data), 2**20)]
    assert upload(world, described(), *cut).material.digest == digest


def test_a_material_of_another_length_than_is_said_is_not_the_one_that_is_here(
    world: World,
) -> None:
    paper = world.upload(TOWNSHIP, AUTHORISATION, b"x")
    for size, here in ((paper.size, True), (paper.size + 1, False)):
        named = [replace(paper, size=size)]
        look = partial(materials.require_here, materials=named, where="materials")
        if here:
            world.at(TOWNSHIP).intake.look(look)
        else:
            with pytest.raises(MaterialNotUploaded):
                world.at(TOWNSHIP).intake.look(look)


def test_a_material_that_arrived_is_waited_for_once(world: World) -> None:
    station = world.at(COUNTY)
    digest = world.upload(COUNTY, APPLICATION).digest

    def arrive(connection: Any) -> list[materials.Arrival]:
        for name in (digest, b"n" * 32, b"n" * 32):
            materials.note_arrival(connection, name, 5)
        return materials.arrivals(connection)

    there = sorted((digest, b"n" * 32))
    assert sorted(item.digest for item in station.intake.transact(arrive)) == there
    assert materials.ARRIVALS_MAX < 100


# What an applicant sees


def progress(world: World, case_no: str, code: str) -> wire.GetProgressResponse:
    request = wire.GetProgressRequest(case_no=case_no, query_code=code)
    answer: wire.GetProgressResponse = ask(face(world).GetProgress(request, None))
    return answer


def test_an_applicant_sees_the_steps_and_what_is_missing(world: World) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE, without=[AUTHORISATION])
    world.act(TOWNSHIP, case, NOTICE)
    seen = progress(world, case.case_no, f" {case.filed.query_code.lower()} ")
    assert [step.text for step in seen.steps] == [
        "2026-11-23 已收到您的申请",
        "2026-11-23 已一次性告知需补正的内容",
    ]
    assert seen.custodian == seen.steps[0].hall == "杭州市淳安县文昌镇"
    assert [defect.material for defect in seen.defects] == [AUTHORISATION]
    assert not seen.HasField("promise")
    world.act(TOWNSHIP, case, supplement(world, TOWNSHIP))
    world.act(TOWNSHIP, case, ACCEPT)
    seen = progress(world, case.case_no, case.filed.query_code)
    assert list(seen.defects) == []
    assert seen.promise.due_on == "2026-12-21"


def test_which_half_of_a_question_was_wrong_is_not_told(world: World) -> None:
    case = world.file(TOWNSHIP, PENSION)
    told_of = []
    for number, code in ((case.case_no, "WRONG222"), ("330127101-20200101-0001", "WRONG222")):
        with pytest.raises(CaseUnknown) as caught:
            progress(world, number, code)
        told_of.append((caught.value.where, caught.value.in_chinese()))
    assert told_of[0] == told_of[1]


# The record of who looked


def test_every_look_at_a_case_is_on_record_with_who_and_why(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    looks = [("clerk", case.case_id, "办理"), ("chief", case.case_no, "督办")]
    for actor, reference, purpose in looks:
        request = wire.GetCaseRequest(case_ref=reference, actor_id=actor, purpose=purpose)
        assert ask(face(world).GetCase(request, None)).case.summary.case_id == case.case_id
        world.time.pass_by(minutes=1)
    progress(world, case.case_no, case.filed.query_code)
    found = records(world.at(TOWNSHIP))
    assert [(row.actor_id, row.act, row.purpose) for row in found] == [
        ("clerk", "GetCase", "办理"),
        ("chief", "GetCase", "督办"),
        ("applicant", "GetProgress", ""),
    ]
    assert {row.subject for row in found} == {case.case_id}
    assert [row.refused for row in found] == [""] * 3
    assert len({row.at for row in found}) == 3


def test_every_refusal_is_on_record_with_who_why_and_for_which_case(world: World) -> None:
    case = by_agent(world, with_agents(world))
    before = everything(world.at(TOWNSHIP))
    request = wire.GetCaseRequest(
        case_ref=case.case_id, actor_id="other-agent", purpose="看看别人的"
    )
    refused_as_unknown(world, "GetCase", request)
    accept = asking(act(AGENT), case.case_id, wire_command.Accept())
    with pytest.raises(PowerMissing):
        ask(face(world).ActOnCase(accept, None))
    with pytest.raises(CaseUnknown):
        progress(world, case.case_no, "WRONG222")
    after = everything(world.at(TOWNSHIP))
    added = after.pop("access_record")[len(before.pop("access_record")) :]
    assert len(after.pop("wrong_secret")) == 1
    assert after == {name: kept for name, kept in before.items() if name != "wrong_secret"}
    assert [(row.actor_id, row.act, row.subject, row.purpose, row.refused) for row in added] == [
        ("other-agent", "GetCase", case.case_id, "看看别人的", "CASE_UNKNOWN"),
        ("agent", "Accept", case.case_id, "", "POWER_MISSING"),
        ("applicant", "GetProgress", case.case_no, "", "CASE_UNKNOWN"),
    ]
    assert facts(history(world.at(TOWNSHIP), case)) == ["Filed"]


def test_a_name_that_is_too_long_for_the_record_is_recorded_as_far_as_it_goes(
    world: World,
) -> None:
    request = wire.GetCaseRequest(case_ref="c" * 300, actor_id="a" * 300)
    with pytest.raises(CaseUnknown):
        ask(face(world).GetCase(request, None))
    (row,) = records(world.at(TOWNSHIP))
    assert (row.actor_id, row.subject) == ("a" * 64, "c" * 64)


def test_nothing_of_a_query_code_is_shown_where_the_case_was_not_filed(world: World) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE)
    for command in (ACCEPT, REVIEW, HAND_OVER):
        world.act(TOWNSHIP, case, command)
    Post(world).settle()
    for address, shown in ((TOWNSHIP, case.filed.query_code), (COUNTY, "")):
        request = wire.GetCaseRequest(case_ref=case.case_id, actor_id="clerk")
        assert ask(face(world, address).GetCase(request, None)).case.query_code == shown
