"""Successions: who may state them, where they lead, and that nothing signed before is lost by them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import NOW, SUITE, Party, certify, flipped, found_root
from tests.trust.keepers import succeed

from hallnet.codec import MessageMalformed
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.trust import believed
from hallnet.trust.believed import Trust
from hallnet.trust.problems import IssuerNotAbove, SignatureInvalid, SuiteMismatched
from hallnet.trust.succession import (
    REASON_LENGTH_MAX,
    STEPS_MAX,
    Succession,
    SuccessionBody,
    declare,
    goes_on_as,
    read_root_succession,
    read_succession,
    verify_succession,
)
from hallnet.trust.suite import Suite
from hallnet.wire.trust.v1 import certificate_pb2 as wire

DAY = timedelta(days=1)
ROOT = found_root("33")
PROVINCE = certify(ROOT, "33")
CITY = certify(PROVINCE, "3301")
OTHER_CITY = certify(PROVINCE, "3304")
COUNTY = certify(CITY, "330127")
TOWNSHIP = certify(COUNTY, "330127101")
OLD, NEW, NEWER = (Address(code) for code in ("330127101", "330182105", "330110112"))


def trust() -> Trust:
    made = Trust([ROOT.certificate])
    parties = (PROVINCE, CITY, OTHER_CITY, COUNTY, TOWNSHIP)
    made.learn(item.certificate for item in parties)
    return made


def step(
    signer: Party = CITY,
    old: Address = OLD,
    new: Address = NEW,
    effective_at: datetime = NOW,
    signed_at: datetime = NOW,
    reason: str = "浙政函〔2026〕1号",
) -> Succession:
    body = SuccessionBody(SUITE.suite, old, new, effective_at, signed_at, reason)
    return declare(body, signer.certificate, signer.signing_key)


def follow(*steps: tuple[Address, Address, datetime], of: Address, at: datetime = NOW) -> Address:
    known = {
        old: SuccessionBody(SUITE.suite, old, new, effective_at, NOW, "")
        for old, new, effective_at in steps
    }
    return goes_on_as(of, known, at)


# Halls


@pytest.mark.parametrize("signer", [CITY, PROVINCE, ROOT], ids=["city", "province", "root"])
def test_a_hall_above_both_addresses_may_state_it(signer: Party) -> None:
    made = trust()
    assert made.take_successions([step(signer)]) == [step(signer)]
    assert made.goes_on_as(OLD, NOW) == NEW


@pytest.mark.parametrize(
    "signer", [COUNTY, OTHER_CITY, TOWNSHIP], ids=["above one", "above none", "the hall itself"]
)
def test_nobody_else_may(signer: Party) -> None:
    made = trust()
    assert made.take_successions([step(signer)]) == []
    assert made.goes_on_as(OLD, NOW) == OLD


def test_a_hall_does_not_move_what_is_its_own_into_the_area_of_another() -> None:
    """The county is above the old address and not above the new one."""
    made = trust()
    assert made.take_successions([step(COUNTY, OLD, Address("330110112"))]) == []
    assert made.take_successions([step(COUNTY, Address("330110112"), OLD)]) == []


@given(st.data())
def test_no_bit_of_it_can_be_changed(data: st.DataObject) -> None:
    made, item = trust(), step()
    part = data.draw(st.sampled_from(["body", "signature", "signer_id"]))
    message = item.to_message()
    raw = getattr(message, part)
    setattr(message, part, flipped(raw, data.draw(st.integers(0, len(raw) * 8 - 1))))
    try:
        changed = read_succession(message)
    except Problem:
        return
    assert made.take_successions([changed]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "x" * (REASON_LENGTH_MAX + 1)},
        {"reason": "line\nbreak"},
        {"successor": OLD},
    ],
    ids=["long", "not printable", "itself"],
)
def test_what_cannot_be_kept_or_cannot_be_right_is_malformed(changes: dict[str, object]) -> None:
    body = replace(step().body, **changes)  # type: ignore[arg-type]
    item = declare(body, CITY.certificate, CITY.signing_key)
    with pytest.raises(MessageMalformed):
        read_succession(item.to_message())


def test_of_two_for_one_address_the_one_signed_later_counts_in_whatever_order_they_come() -> None:
    first, corrected = step(), step(new=NEWER, signed_at=NOW + DAY)
    for order in ([first, corrected], [corrected, first]):
        made = trust()
        made.take_successions(order)
        assert made.goes_on_as(OLD, NOW + 2 * DAY) == NEWER
        assert made.believes(corrected)
        assert not made.believes(first)


def test_it_takes_effect_at_its_moment_and_not_before() -> None:
    assert follow((OLD, NEW, NOW), of=OLD, at=NOW - timedelta(microseconds=1)) == OLD
    assert follow((OLD, NEW, NOW), of=OLD, at=NOW) == NEW
    assert follow((OLD, NEW, NOW), of=NEW, at=NOW) == NEW


def test_a_hall_that_moved_twice_is_found() -> None:
    steps = (OLD, NEW, NOW - 2 * DAY), (NEW, NEWER, NOW - DAY)
    assert follow(*steps, of=OLD) == NEWER
    assert follow(*steps, of=OLD, at=NOW - 2 * DAY) == NEW


def test_a_hall_that_moved_away_and_back_is_found_where_it_is() -> None:
    steps = (OLD, NEW, NOW - 2 * DAY), (NEW, OLD, NOW - DAY)
    assert follow(*steps, of=OLD) == OLD
    assert follow(*steps, of=NEW) == OLD


ADDRESSES = [Address(f"33012710{n}") for n in range(6)]


@given(
    st.dictionaries(
        st.sampled_from(ADDRESSES),
        st.tuples(st.sampled_from(ADDRESSES), st.integers(0, 5)),
    ),
    st.sampled_from(ADDRESSES),
)
def test_nobody_is_led_in_a_circle_or_further_than_the_bound(
    moves: dict[Address, tuple[Address, int]], start: Address
) -> None:
    steps = [(old, new, NOW + n * DAY) for old, (new, n) in moves.items() if old != new]
    end = follow(*steps, of=start, at=NOW + 10 * DAY)
    assert end == start or end in {new for _, new, _ in steps}


def test_no_more_steps_are_followed_than_the_bound() -> None:
    row = [Address(f"330127{n}") for n in range(100, 100 + 2 * STEPS_MAX)]
    steps = [(old, new, NOW) for old, new in itertools.pairwise(row)]
    assert follow(*steps, of=row[0]) == row[STEPS_MAX]


def test_what_the_old_address_signed_stays_believed() -> None:
    made = trust()
    made.take_successions([step()])
    later = NOW + 100 * DAY
    assert made.signer(TOWNSHIP.certificate.id, NOW - DAY, later) == TOWNSHIP.certificate


def test_a_bundle_brings_successions_and_a_later_one_that_leaves_them_out_takes_none_back() -> None:
    made = trust()
    made.take_bundle(
        wire.TrustBundle(suites=[wire.SUITE_ED25519], successions=[step().to_message()]), 1
    )
    made.take_bundle(wire.TrustBundle(suites=[wire.SUITE_ED25519]), 2)
    assert made.goes_on_as(OLD, NOW) == NEW


def test_one_that_names_another_suite_than_its_signers_is_refused() -> None:
    """Its suite says how it was signed: nobody is to choose another reading."""
    raw = step().to_message()
    body = wire.SuccessionBody.FromString(raw.body)
    body.suite = wire.SUITE_SM2
    raw.body = body.SerializeToString()
    raw.signature = SUITE.sign(CITY.signing_key, b"hallnet succession v1\n" + raw.body)
    found = read_succession(raw)
    assert found.body.suite is Suite.SM2
    with pytest.raises(SuiteMismatched):
        verify_succession(found, CITY.certificate)


# Roots


def statement(old: Party, new: Party) -> wire.RootSuccession:
    return succeed(old.certificate, old.signing_key, new.certificate, new.signing_key, NOW)


NEXT, THIRD = found_root("33", "next"), found_root("33", "third")
PROVINCE_ANEW = certify(NEXT, "33", label="33 anew")


def test_who_believes_the_old_root_believes_the_new_one() -> None:
    made = Trust([ROOT.certificate])
    assert not made.learn_what_leads_to_a_root([PROVINCE_ANEW.certificate])
    made.take_root_successions([read_root_succession(statement(ROOT, NEXT))])
    assert made.learn_what_leads_to_a_root([PROVINCE_ANEW.certificate])


def test_who_was_given_the_new_root_alone_can_still_verify_what_the_old_one_certified() -> None:
    made = Trust([NEXT.certificate])
    made.take_root_successions([read_root_succession(statement(ROOT, NEXT))])
    made.learn([PROVINCE.certificate, CITY.certificate])
    assert made.signer(CITY.certificate.id, NOW, NOW) == CITY.certificate


@given(st.permutations([(ROOT, NEXT), (NEXT, THIRD)]))
def test_a_row_of_roots_is_followed_in_any_order(pairs: list[tuple[Party, Party]]) -> None:
    for given_root in (ROOT, NEXT, THIRD):
        made = Trust([given_root.certificate])
        made.take_root_successions([read_root_succession(statement(*pair)) for pair in pairs])
        assert {root.id for root in made.roots} == {
            party.certificate.id for party in (ROOT, NEXT, THIRD)
        }


def test_roots_that_only_vouch_for_each_other_are_not_believed() -> None:
    made = Trust([ROOT.certificate])
    assert made.take_root_successions([read_root_succession(statement(NEXT, THIRD))]) == []
    assert made.roots == [ROOT.certificate]


@pytest.mark.parametrize("liar", ["predecessor", "successor"])
def test_it_needs_both_signatures(liar: str) -> None:
    """A stolen old key cannot draw a root in that does not know of it, nor a new one push itself in."""
    message = statement(ROOT, NEXT)
    other = statement(NEXT, THIRD)
    name = f"{liar}_signature"
    setattr(message, name, getattr(other, name))
    with pytest.raises(SignatureInvalid):
        read_root_succession(message)


def test_a_root_of_another_division_does_not_succeed() -> None:
    with pytest.raises(IssuerNotAbove):
        read_root_succession(statement(ROOT, found_root("", "country")))


def test_a_hall_is_no_root() -> None:
    with pytest.raises(Problem):
        read_root_succession(statement(ROOT, PROVINCE))


@pytest.mark.parametrize("body", [b"", b"\xff", b"\x0a\x02\x0a\x00"])
def test_rubbish_is_refused(body: bytes) -> None:
    with pytest.raises(Problem):
        read_root_succession(wire.RootSuccession(body=body))


def test_no_more_roots_are_believed_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(believed, "ROOTS_MAX", 2)
    made = Trust([ROOT.certificate])
    rows = [statement(ROOT, NEXT), statement(NEXT, THIRD)]
    made.take_root_successions([read_root_succession(row) for row in rows])
    assert len(made.roots) == 2
