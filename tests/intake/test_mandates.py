"""Mandates as the desk sees them, on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    AGENT,
    HAND_OVER,
    OTHER_AGENT,
    REVIEW,
    SUBSISTENCE,
    Post,
    act,
    asking,
    face,
    facts,
    history,
    mandate,
    put_accounts,
    records,
)
from tests.intake.test_people import by_agent, register, with_agents
from tests.simulation.halls import CHIEF, CLERK, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.mandate import Mandate, MandateAct
from hallnet.case.problems import MandateMissing, MandateNotForThis, PowerMissing, ReasonsMissing
from hallnet.case.rules.problems import MandateChangeImpossible
from hallnet.intake import accounts, cases, tables
from hallnet.intake.accounts import Account
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

SUSPEND, RESUME, REVOKE = (
    wire_fact.MANDATE_CHANGE_SUSPENDED,
    wire_fact.MANDATE_CHANGE_RESUMED,
    wire_fact.MANDATE_CHANGE_REVOKED,
)


def listed(world: World, actor_id: str = "clerk", **values: Any) -> list[wire.MandateView]:
    request = wire.ListMandatesRequest(actor_id=actor_id, **values)
    return list(ask(face(world).ListMandates(request, None)).mandates)


def change(
    world: World, of: Mandate, to: wire_fact.MandateChange.ValueType, **values: Any
) -> wire.ChangeMandateResponse:
    fields: dict[str, Any] = {"act": act(CLERK), "reason": "本人要求"} | values
    request = wire.ChangeMandateRequest(mandate_id=of.mandate_id, change=to, **fields)
    answer: wire.ChangeMandateResponse = ask(face(world).ChangeMandate(request, None))
    return answer


def test_mandates_are_listed_with_names_terms_and_state_and_clients_masked(world: World) -> None:
    given = with_agents(world)
    [view] = listed(world)
    assert view.client == given.client.masked_name
    assert (view.agent_id, view.agent_name) == (AGENT.actor.actor_id, AGENT.actor.name)
    assert view.items[0] != SUBSISTENCE
    assert view.state == wire.MANDATE_STATE_STANDS
    world.time.pass_by(days=(given.valid_until - given.valid_from).days + 1)
    assert listed(world)[0].state == wire.MANDATE_STATE_EXPIRED


def test_they_are_found_by_agent_and_by_client_and_an_agent_sees_her_own(world: World) -> None:
    given = with_agents(world)
    other = register(
        world, mandate(world, world.person(), agent_id=OTHER_AGENT.actor.actor_id), CLERK
    )
    assert len(listed(world)) == 2
    assert [one.mandate_id for one in listed(world, agent_id="agent")] == [given.mandate_id]
    by_client = listed(world, client_document=f" {other.client.document_number.lower()} ")
    assert [one.mandate_id for one in by_client] == [other.mandate_id]
    assert [one.mandate_id for one in listed(world, "agent", agent_id="other-agent")] == [
        given.mandate_id
    ]
    first = wire.ListMandatesRequest(actor_id="clerk", page_size=1)
    page = ask(face(world).ListMandates(first, None))
    first.page_token = page.next_page_token
    rest = ask(face(world).ListMandates(first, None))
    assert {page.mandates[0].mandate_id, rest.mandates[0].mandate_id} == {
        given.mandate_id,
        other.mandate_id,
    }


def test_a_change_is_entered_in_every_open_case_under_the_mandate_and_holds_for_those_to_come(
    world: World,
) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    given = register(world, mandate(world, world.person(), acts=(MandateAct.SUBMIT,)))
    first, second = (by_agent(world, given) for _ in range(2))
    other = register(world, replace(given, mandate_id=""))
    untouched = by_agent(world, other)
    answer = change(world, given, SUSPEND)
    assert (answer.entered, answer.passed_on, list(answer.left)) == (2, 0, [])
    assert answer.mandate.state == wire.MANDATE_STATE_SUSPENDED
    station = world.at(TOWNSHIP)
    for case in (first, second):
        assert facts(history(station, case))[-1] == "MandateChanged"
    assert "MandateChanged" not in facts(history(station, untouched))
    with pytest.raises(MandateNotForThis):
        by_agent(world, given)
    assert change(world, given, RESUME).entered == 2
    by_agent(world, given)


def test_a_case_at_another_hall_is_told_and_one_on_its_way_is_named(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    given = register(world, mandate(world, world.person(), acts=(MandateAct.SUBMIT,)))
    case = by_agent(world, given)
    for command in (ACCEPT, REVIEW, HAND_OVER):
        world.act(TOWNSHIP, case, command)
    answer = change(world, given, SUSPEND)
    assert list(answer.left) == [case.filed.case_no]
    Post(world).settle()
    answer = change(world, given, RESUME)
    assert (answer.entered, answer.passed_on) == (0, 1)
    Post(world).settle()
    there = world.at(COUNTY).intake.look(lambda c: cases.load(c, case.case_id))
    assert not there.mandate_stands_still


def test_what_was_revoked_does_not_come_back_by_any_case(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    given = register(world, mandate(world, world.person(), acts=(MandateAct.SUBMIT,)))
    first, second = (by_agent(world, given) for _ in range(2))

    def enter(case_id: str, to: wire_fact.MandateChange.ValueType) -> None:
        command = wire_command.ChangeMandate(change=to, reason="本人要求")
        ask(face(world).ActOnCase(asking(act(), case_id, command), None))

    enter(first.case_id, REVOKE)
    enter(second.case_id, REVOKE)
    third = register(world, replace(given, mandate_id=""))
    case = by_agent(world, third)
    change(world, third, REVOKE)
    for to in (RESUME, SUSPEND, REVOKE):
        with pytest.raises(MandateChangeImpossible):
            change(world, third, to)
    with pytest.raises(MandateChangeImpossible):
        enter(case.case_id, RESUME)
    with pytest.raises(MandateChangeImpossible):
        enter(second.case_id, RESUME)


def test_a_mandate_revoked_by_one_case_is_not_resumed_by_another(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    given = register(world, mandate(world, world.person(), acts=(MandateAct.SUBMIT,)))
    first, second = (by_agent(world, given) for _ in range(2))
    for case, to, fails in ((first, REVOKE, False), (second, SUSPEND, True)):
        command = wire_command.ChangeMandate(change=to, reason="本人要求")
        request = asking(act(), case.case_id, command)
        if not fails:
            ask(face(world).ActOnCase(request, None))
            continue
        with pytest.raises(MandateChangeImpossible):
            ask(face(world).ActOnCase(request, None))
    assert listed(world)[0].state == wire.MANDATE_STATE_REVOKED


def test_only_staff_who_receive_change_a_mandate_and_with_a_reason(world: World) -> None:
    given = with_agents(world)
    with pytest.raises(PowerMissing):
        change(world, given, REVOKE, act=act(AGENT))
    with pytest.raises(ReasonsMissing):
        change(world, given, REVOKE, reason=" ")
    with pytest.raises(MandateMissing):
        change(world, replace(given, mandate_id="none"), REVOKE)
    assert listed(world)[0].state == wire.MANDATE_STATE_STANDS


def test_what_is_unusual_is_told_to_who_supervises_and_the_look_is_on_record(world: World) -> None:
    given = with_agents(world)
    register(world, replace(given, mandate_id="", client=world.person()))
    request = wire.ListAgentFlagsRequest(actor_id="chief")
    found = ask(face(world).ListAgentFlags(request, None))
    assert [(flag.kind, flag.agent_name, flag.count) for flag in found.flags] == [
        (wire.AGENT_FLAG_KIND_SHARED_EVIDENCE, AGENT.actor.name, 2)
    ]
    assert not found.is_cut
    [look] = records(world.at(TOWNSHIP), "ListAgentFlags")
    assert look.actor_id == "chief"
    with pytest.raises(PowerMissing):
        ask(face(world).ListAgentFlags(wire.ListAgentFlagsRequest(actor_id="agent"), None))


def test_a_conflict_is_told_by_document_where_it_is_known_and_else_as_a_hint(world: World) -> None:
    """Only a digest of the document of an account is kept."""
    client = world.person()
    given = with_agents(world)
    register(
        world, replace(given, mandate_id="", client=client, evidence=world.upload(TOWNSHIP, "two"))
    )

    def put(account: Account, document: str) -> None:
        request = wire.PutAccountRequest(
            request_id=act().request_id,
            account=accounts.to_message(account, world.time.now.date()),
            document_number=document,
        )
        ask(face(world).PutAccount(request, None))

    def found() -> list[tuple[int, bool]]:
        request = wire.ListAgentFlagsRequest(actor_id="chief")
        flags = ask(face(world).ListAgentFlags(request, None)).flags
        return [(flag.kind, flag.by_name) for flag in flags]

    assert found() == []
    named = replace(CHIEF, actor=replace(CHIEF.actor, name=client.name))
    put(named, "")
    assert (wire.AGENT_FLAG_KIND_CLIENT_DECIDES, True) in found()
    put(named, f" {client.document_number.lower()} ")
    assert (wire.AGENT_FLAG_KIND_CLIENT_DECIDES, False) in found()
    put(CHIEF, "")
    assert (wire.AGENT_FLAG_KIND_CLIENT_DECIDES, False) in found()
    put(named, world.person().document_number)
    assert (wire.AGENT_FLAG_KIND_CLIENT_DECIDES, False) not in found()
    (row,) = (r for r in rows(world.at(TOWNSHIP).intake, tables.account) if r.actor_id == "chief")
    assert client.document_number not in repr(row)
