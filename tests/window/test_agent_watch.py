"""What is unusual about agents is flagged, and what is usual is not."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from hallnet.window.agent_watch import (
    CLIENTS_A_PHONE_MAX,
    MANDATES_A_DAY_MAX,
    Flag,
    FlagKind,
    Person,
    Seen,
    flags,
)

TODAY = date(2026, 12, 1)


def seen(number: int, **changes: object) -> Seen:
    fields: dict[str, object] = {
        "mandate_id": f"m{number}",
        "agent_id": "agent",
        "agent": Person("王代办"),
        "client": Person(f"村民{number}", f"client-{number}"),
        "phone": f"1390000{number:04}",
        "evidence": number.to_bytes(32, "big"),
        "begins_on": date.fromordinal(TODAY.toordinal() + number),
    }
    return Seen(**(fields | changes))  # type: ignore[arg-type]


def kinds(found: list[Flag]) -> list[FlagKind]:
    return [flag.kind for flag in found]


def test_ordinary_work_raises_no_flag() -> None:
    assert flags([seen(number) for number in range(1, 60)], [Person("李首席")]) == []


def test_one_photograph_for_two_clients_is_flagged_for_one_client_it_is_not() -> None:
    same = b"e" * 32
    [flag] = flags([seen(1, evidence=same), seen(2, evidence=same)], [])
    assert (flag.kind, flag.count, flag.mandate_ids) == (
        FlagKind.SHARED_EVIDENCE,
        2,
        ("m1", "m2"),
    )
    again = [seen(1, evidence=same), seen(2, evidence=same, client=seen(1).client)]
    assert flags(again, []) == []


def test_a_household_may_share_a_telephone_a_village_does_not() -> None:
    house = [seen(number, phone="1") for number in range(CLIENTS_A_PHONE_MAX)]
    assert flags(house, []) == []
    assert kinds(flags([*house, seen(99, phone="1")], [])) == [FlagKind.SHARED_PHONE]
    assert flags([seen(number, phone="") for number in range(50)], []) == []


def test_very_many_mandates_of_one_day_are_flagged() -> None:
    day = [seen(number, begins_on=TODAY) for number in range(MANDATES_A_DAY_MAX)]
    assert flags(day, []) == []
    assert kinds(flags([*day, seen(99, begins_on=TODAY)], [])) == [FlagKind.MANY_A_DAY]


def test_who_decides_and_who_acts_are_not_to_be_the_same() -> None:
    """利益冲突: by document."""
    agent, chief = Person("王代办", "agent's"), Person("李首席", "chief's")
    also = Person("王大", "agent's")
    found = flags([seen(1, agent=agent)], [also, chief])
    assert [(flag.kind, flag.by_name) for flag in found] == [(FlagKind.ALSO_DECIDES, False)]
    found = flags([seen(1, agent=agent, client=Person("李小", "chief's"))], [chief])
    assert [(flag.kind, flag.by_name) for flag in found] == [(FlagKind.CLIENT_DECIDES, False)]
    found = flags([seen(1, agent=agent, client=Person("王小", "agent's"))], [chief])
    assert [(flag.kind, flag.by_name) for flag in found] == [(FlagKind.OWN_CLIENT, False)]


def test_namesakes_with_documents_of_their_own_are_no_conflict() -> None:
    agent = Person("王代办", "agent's")
    namesake = Person("王代办", "another's")
    assert flags([seen(1, agent=agent, client=namesake)], [Person("王代办", "a third's")]) == []


def test_where_a_document_is_not_known_the_same_name_is_a_hint_and_says_so() -> None:
    chief, client = Person("李首席"), Person("李首席", "client's")
    for found, kind in (
        (flags([seen(1)], [Person("王代办", "chief's")]), FlagKind.ALSO_DECIDES),
        (flags([seen(1, client=client)], [chief]), FlagKind.CLIENT_DECIDES),
        (flags([seen(1, client=Person("王代办", "client's"))], []), FlagKind.OWN_CLIENT),
    ):
        assert [(flag.kind, flag.by_name) for flag in found] == [(kind, True)]


def test_what_is_sure_and_what_is_a_hint_are_told_apart() -> None:
    agent = Person("王代办", "agent's")
    sure, hint = (
        seen(1, agent=agent, client=Person("王代办", "agent's")),
        seen(2, agent=agent, client=Person("王代办")),
    )
    found = flags([sure, hint], [])
    assert [(flag.by_name, flag.mandate_ids) for flag in found] == [
        (False, ("m1",)),
        (True, ("m2",)),
    ]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), max_size=40))
def test_an_agent_is_judged_by_her_own_mandates_only(pairs: list[tuple[str, int]]) -> None:
    every = [
        seen(number, agent_id=agent, evidence=bytes([group]), begins_on=TODAY)
        for number, (agent, group) in enumerate(pairs)
    ]
    together = flags(every, [])
    apart = [
        flag for agent in "ab" for flag in flags([s for s in every if s.agent_id == agent], [])
    ]
    assert together == apart
