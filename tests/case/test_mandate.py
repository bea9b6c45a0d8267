"""Mandates: what an agent may do, for whom, for which item, until when; and the file they come in."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.case.builders import (
    AGENT,
    APPLICANT,
    ITEM,
    NEIGHBOUR,
    item,
    mandate,
    material,
)

from hallnet.case.fact import MandateChange
from hallnet.case.mandate import (
    FILE_BYTES_MAX,
    FILE_FORM,
    MANDATE,
    Mandate,
    MandateAct,
    read_mandate_file,
    require_covers,
    require_mandate,
    write_mandate_file,
)
from hallnet.case.problems import (
    AgentNotAllowed,
    IdentityNumberCheckDigit,
    MandateEvidenceMissing,
    MandateEvidenceUnusable,
    MandateNotForThis,
    MandateUnreadable,
    NameMissing,
)
from hallnet.case.rules.permission import MandateState, state_on
from hallnet.problems import Problem

TODAY = date(2026, 3, 2)


def covers(given: Mandate, **changes: Any) -> None:
    wanted: dict[str, Any] = {
        "item": ITEM,
        "client": APPLICANT,
        "agent_id": AGENT.actor_id,
        "act": MandateAct.SUBMIT,
        "today": TODAY,
    }
    require_covers(given, **(wanted | changes))


def test_a_mandate_covers_the_acts_that_it_names() -> None:
    covers(mandate())
    covers(mandate(), act=MandateAct.COLLECT)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"agent_id": "agent-2"}, "受托人不是本人"),
        ({"client": NEIGHBOUR}, "委托人不是申请人"),
        ({"item": item(item_id="another-item")}, "委托事项不符"),
        ({"act": MandateAct.PAY}, "委托权限不符"),
        ({"act": MandateAct.SIGN_RECEIPT}, "委托权限不符"),
        ({"today": date(2025, 12, 31)}, "不在委托期限内"),
        ({"today": date(2027, 1, 1)}, "不在委托期限内"),
    ],
)
def test_a_mandate_covers_nothing_else(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(MandateNotForThis) as refused:
        covers(mandate(), **changes)
    assert refused.value.particulars == {"what": what}


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 12, 31)])
def test_the_first_and_the_last_day_are_covered(today: date) -> None:
    covers(mandate(), today=today)


def test_no_mandate_covers_what_has_to_be_applied_for_in_person() -> None:
    """行政许可法 article 29."""
    with pytest.raises(AgentNotAllowed):
        covers(mandate(), item=item(agent_allowed=False))


@given(
    st.dates(date(2026, 1, 1), date(2027, 1, 1)),
    st.integers(0, 400),
    st.dates(date(2025, 1, 1), date(2028, 1, 1)),
    st.sets(st.sampled_from(MandateAct)),
    st.sampled_from(MandateAct),
)
def test_a_mandate_covers_exactly_its_acts_in_its_term(
    first: date, days: int, today: date, acts: set[MandateAct], act: MandateAct
) -> None:
    last = first + timedelta(days=days)
    given_mandate = mandate(acts=tuple(acts), valid_from=first, valid_until=last)
    if act in acts and first <= today <= last:
        covers(given_mandate, act=act, today=today)
    else:
        with pytest.raises(MandateNotForThis):
            covers(given_mandate, act=act, today=today)


def test_a_mandate_with_all_that_it_needs_is_recorded() -> None:
    require_mandate(mandate())
    for media_type in ("image/jpeg", "audio/ogg", "application/pdf"):
        require_mandate(mandate(evidence=replace(material("委托书"), media_type=media_type)))


@pytest.mark.parametrize(
    ("changes", "problem", "where"),
    [
        ({"evidence": None}, MandateEvidenceMissing, "mandate.evidence"),
        ({"item_ids": ()}, MandateNotForThis, "mandate.item_ids"),
        ({"acts": ()}, MandateNotForThis, "mandate.acts"),
        ({"valid_until": date(2025, 12, 31)}, MandateNotForThis, "mandate.valid_until"),
        (
            {"client": replace(APPLICANT, name="")},
            NameMissing,
            "mandate.client.name",
        ),
        (
            {"client": replace(APPLICANT, document_number="110105194912310021")},
            IdentityNumberCheckDigit,
            "mandate.client.document_number",
        ),
    ],
)
def test_a_mandate_that_lacks_something_is_not_recorded(
    changes: dict[str, Any], problem: type[Problem], where: str
) -> None:
    with pytest.raises(problem) as refused:
        require_mandate(mandate(**changes))
    assert refused.value.where == where


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/zip", "xapplication/pdf"])
def test_evidence_that_shows_no_will_is_not_taken(media_type: str) -> None:
    evidence = replace(material("委托书"), media_type=media_type)
    with pytest.raises(MandateEvidenceUnusable):
        require_mandate(mandate(evidence=evidence))


def test_a_mandate_file_is_read_as_it_is_written() -> None:
    for given_mandate in (mandate(), mandate(evidence=None)):
        assert read_mandate_file(write_mandate_file(given_mandate)) == given_mandate


def test_a_mandate_file_is_json_for_a_person_to_read() -> None:
    document = json.loads(write_mandate_file(mandate()))
    assert document["form"] == FILE_FORM == "hallnet.mandate/1"
    assert document["mandate"]["client"]["name"] == "章三"
    assert document["mandate"]["validUntil"] == "2026-12-31"
    assert "章三".encode() in write_mandate_file(mandate())


def document(**changes: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(write_mandate_file(mandate()))
    found["mandate"] |= changes
    return found


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


NO_MANDATES = {
    "empty": b"",
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "a message of the wire": MANDATE.to_bytes(mandate()),
    "text": "委托书".encode(),
    "another encoding": json.dumps(document(), ensure_ascii=False).encode("gb18030"),
    "cut short": write_mandate_file(mandate())[:-20],
    "two documents": write_mandate_file(mandate()) * 2,
    "null": b"null",
    "a number": b"1",
    "a huge number": b"9" * 5000,
    "a list": b"[]",
    "an empty object": b"{}",
    "deeply nested": b"[" * 20_000 + b"]" * 20_000,
    "deeply nested objects": b'{"form":' * 7_000 + b"1" + b"}" * 7_000,
    "another form": encoded(document() | {"form": "hallnet.mandate/2"}),
    "no form": encoded({"mandate": document()["mandate"]}),
    "no mandate": encoded({"form": FILE_FORM}),
    "a mandate that is null": encoded({"form": FILE_FORM, "mandate": None}),
    "a mandate that is text": encoded({"form": FILE_FORM, "mandate": "章三"}),
    "a mandate that is a list": encoded({"form": FILE_FORM, "mandate": [1]}),
    "an empty mandate": encoded({"form": FILE_FORM, "mandate": {}}),
    "a field that it does not have": encoded(document(powerOfAttorney=True)),
    "an act that is none": encoded(document(acts=["MANDATE_ACT_DECIDE"])),
    "an act that says nothing": encoded(document(acts=["MANDATE_ACT_UNSPECIFIED"])),
    "an act by a number that is none": encoded(document(acts=[17])),
    "a date in words": encoded(document(validFrom="今天")),
    "a date that is none": encoded(document(validFrom="2026-02-30")),
    "a date of another form": encoded(document(validFrom="20260301")),
    "no date": encoded(document(validUntil="")),
    "a client in words": encoded(document(client="章三")),
    "no client": encoded(document(client=None)),
    "a name that is a number": encoded(document(client={"name": 3})),
    "evidence whose bytes are none": encoded(document(evidence={"digest": "***"})),
    "evidence of no size": encoded(document(evidence={"size": -1})),
    "evidence of an endless size": encoded(document(evidence={"size": float("inf")})),
    "evidence of no time": encoded(document(evidence={"submittedAt": "2026"})),
    "evidence without a time": encoded(document(evidence={})),
    "half a character": b'{"form":"hallnet.mandate/1","mandate":{"agentId":"\\ud800"}}',
    "too large": write_mandate_file(mandate()) + b" " * FILE_BYTES_MAX,
}


@pytest.mark.parametrize("what", NO_MANDATES)
def test_a_file_that_is_no_mandate_is_refused(what: str) -> None:
    with pytest.raises(MandateUnreadable) as refused:
        read_mandate_file(NO_MANDATES[what])
    assert refused.value.in_chinese()


def test_a_refusal_says_which_field_is_wrong() -> None:
    with pytest.raises(MandateUnreadable) as refused:
        read_mandate_file(NO_MANDATES["a date that is none"])
    assert refused.value.particulars == {"detail": "valid_from"}


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_problem(data: bytes) -> None:
    with pytest.raises(MandateUnreadable):
        read_mandate_file(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(document()["mandate"])), JSON)
@example("acts", [float("inf")])
def test_a_mandate_with_any_field_replaced_is_read_or_refused(name: str, value: object) -> None:
    try:
        read = read_mandate_file(encoded(document(**{name: value})))
    except MandateUnreadable:
        return
    assert read_mandate_file(write_mandate_file(read)) == read


def test_a_file_at_the_bound_is_read() -> None:
    data = write_mandate_file(mandate())
    assert read_mandate_file(data + b" " * (FILE_BYTES_MAX - len(data))) == mandate()


@given(st.integers(-400, 400), st.sampled_from([None, *MandateChange]))
def test_a_mandate_stands_within_its_term_unless_it_was_changed(
    days: int, change: MandateChange | None
) -> None:
    given_one = replace(mandate(), valid_from=date(2026, 3, 1), valid_until=date(2026, 9, 1))
    day = date(2026, 6, 1) + timedelta(days=days)
    found = state_on(given_one, change, day)
    if change in (MandateChange.REVOKED, MandateChange.SUSPENDED):
        assert found.name == change.name
    elif day < given_one.valid_from:
        assert found is MandateState.NOT_YET
    elif day > given_one.valid_until:
        assert found is MandateState.EXPIRED
    else:
        assert found is MandateState.STANDS
