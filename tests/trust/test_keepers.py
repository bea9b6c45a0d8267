"""A root with keepers: so many of them have to sign, each counts once, and an old root is dead after the new."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import NOW, SUITE, body_for, certify, flipped, found_root, revocation
from tests.trust.keepers import FIVE, body_of, handed_over, key_of, root_of, signed_by

from hallnet.codec import MessageMalformed
from hallnet.problems import Problem
from hallnet.trust import drafts
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import (
    CERTIFICATE_TEXT,
    Certificate,
    Role,
    issue,
    read_certificate,
    verify_root,
    verify_under,
    written,
)
from hallnet.trust.drafts import (
    Draft,
    DraftUnfinished,
    NotAKeeper,
    draft_hall,
    draft_revocation,
    draft_root,
    draft_succession,
    finished_hall,
    finished_revocation,
    finished_root,
    finished_succession,
    read_draft,
    write_draft,
)
from hallnet.trust.keepers import KEEPERS_MAX, joined
from hallnet.trust.problems import RootEnded, SignatureInvalid
from hallnet.trust.revocation import RevocationBody
from hallnet.trust.succession import KEPT_MAX, read_root_succession
from hallnet.trust.suite import Suite
from hallnet.wire.trust.v1 import certificate_pb2 as wire

ROOT = root_of()
SIX = (*FIVE, "杨")
NEXT = root_of((*FIVE[:4], "杨"), label="next")
TEXT = b"what a root states"


def hall_under(root: Certificate, subject: str = "33", label: str = "") -> Draft:
    body = replace(
        body_for(subject, None, label=label), issuer=root.body.subject, issuer_id=root.id
    )
    return draft_hall(root, body)


def certificate_of(draft: Draft) -> Certificate:
    return read_certificate(finished_hall(draft).chain[0])


TOP = certificate_of(signed_by(hall_under(ROOT), FIVE[:3]))


def signature(*places: int, text: bytes = TEXT) -> bytes:
    return joined({place: SUITE.sign(key_of(FIVE[place]), text) for place in places})


# The signature of a root with keepers


@given(st.sets(st.sampled_from(range(5))))
def test_as_many_keepers_as_the_threshold_says_have_to_sign(places: set[int]) -> None:
    assert ROOT.is_signed(TEXT, signature(*places)) == (len(places) >= 3)


def test_the_same_keeper_twice_counts_once() -> None:
    listed = wire.KeeperSignatures.FromString(signature(0, 1))
    for again in (0, 1):
        twice = wire.KeeperSignatures(signatures=[*listed.signatures, listed.signatures[again]])
        assert not ROOT.is_signed(TEXT, twice.SerializeToString())


def test_the_same_key_under_the_number_of_another_keeper_does_not_count() -> None:
    borrowed = {0: 0, 1: 1, 2: 1}
    signatures = {place: SUITE.sign(key_of(FIVE[whose]), TEXT) for place, whose in borrowed.items()}
    assert not ROOT.is_signed(TEXT, joined(signatures))


def test_a_root_does_not_name_the_same_key_twice() -> None:
    with pytest.raises(MessageMalformed):
        read_certificate(wire.Certificate(body=written(body_of((*FIVE[:4], FIVE[0])))))


@given(st.integers(0, len(signature(0, 1, 2)) * 8 - 1))
def test_no_bit_of_a_signature_can_be_changed(bit: int) -> None:
    assert not ROOT.is_signed(TEXT, flipped(signature(0, 1, 2), bit))


def test_one_signature_that_does_not_hold_spoils_all() -> None:
    signatures = {place: SUITE.sign(key_of(FIVE[place]), TEXT) for place in range(4)}
    assert not ROOT.is_signed(TEXT, joined({**signatures, 3: bytes(64)}))


@pytest.mark.parametrize("data", [b"", b"\xff", bytes(64), b"\x0a\x00" * 1000])
def test_rubbish_is_no_signature(data: bytes) -> None:
    assert not ROOT.is_signed(TEXT, data)


@pytest.mark.parametrize(
    ("count", "threshold"), [(5, 2), (5, 0), (5, 6), (4, 2), (KEEPERS_MAX + 1, KEEPERS_MAX)]
)
def test_more_than_half_of_no_more_than_the_bound_have_to_sign(count: int, threshold: int) -> None:
    names = [f"keeper {number}" for number in range(count)]
    with pytest.raises(MessageMalformed):
        draft_root(body_of(names, threshold))


def test_a_root_has_one_key_or_keepers_and_a_hall_has_no_keepers() -> None:
    both = replace(body_of(), signing_key=SUITE.signing_public(key_of("王")))
    hall = replace(body_of(), role=Role.HALL)
    for body in (both, hall, replace(body_of(), keepers=())):
        with pytest.raises(MessageMalformed):
            read_certificate(wire.Certificate(body=written(body)))


def test_every_keeper_has_signed_the_root_itself() -> None:
    """Else a key that nobody holds could be counted on."""
    draft = draft_root(body_of())
    with pytest.raises(DraftUnfinished):
        finished_root(signed_by(draft, FIVE[:4]))
    four = {
        place: SUITE.sign(key_of(FIVE[place]), CERTIFICATE_TEXT + draft.body) for place in range(4)
    }
    with pytest.raises(SignatureInvalid):
        verify_root(read_certificate(wire.Certificate(body=draft.body, signature=joined(four))))


@pytest.mark.parametrize("suite", [Suite.ED25519, Suite.SM2], ids=["suite 1", "suite 2"])
def test_a_hall_is_certified_by_any_three_of_five(suite: Suite) -> None:
    root = root_of(suite=suite)
    for three in itertools.combinations(FIVE, 3):
        certificate = certificate_of(signed_by(hall_under(root), three, suite))
        verify_under(certificate, root)


def test_two_of_five_certify_nobody() -> None:
    draft = signed_by(hall_under(ROOT), FIVE[:2])
    with pytest.raises(DraftUnfinished):
        finished_hall(draft)
    forged = wire.Certificate(body=draft.body, signature=joined(draft.signatures))
    with pytest.raises(SignatureInvalid):
        Trust([ROOT]).learn([read_certificate(forged)])


def test_one_key_of_a_keeper_is_no_key_of_the_root() -> None:
    body = replace(body_for("33", None), issuer="33", issuer_id=ROOT.id)
    with pytest.raises(SignatureInvalid):
        Trust([ROOT]).learn([issue(body, key_of("王"))])


# Drafts


def test_who_is_no_keeper_signs_nothing() -> None:
    with pytest.raises(NotAKeeper):
        drafts.signed(hall_under(ROOT), key_of("杨"))


def test_signing_again_changes_nothing() -> None:
    once = signed_by(hall_under(ROOT), FIVE[:1])
    assert signed_by(once, FIVE[:1]) == once


@given(st.permutations(FIVE), st.integers(0, 5))
def test_a_draft_goes_from_keeper_to_keeper_in_any_order(order: list[str], count: int) -> None:
    draft = hall_under(ROOT)
    for keeper in order[:count]:
        draft = read_draft(write_draft(signed_by(draft, [keeper])))
    assert draft.is_finished == (count >= 3)
    if draft.is_finished:
        verify_under(certificate_of(draft), ROOT)


def test_a_signature_that_somebody_put_into_a_draft_is_found_before_it_is_shown() -> None:
    draft = replace(hall_under(ROOT), signatures={0: bytes(64)})
    with pytest.raises(MessageMalformed):
        read_draft(write_draft(draft))


def test_a_draft_is_not_shown_as_something_else_than_what_is_signed() -> None:
    """Its body, its kind and the roots beside it have to fit each other."""
    other = root_of(label="other")
    hall, step = hall_under(ROOT), draft_succession(ROOT, NEXT, NOW, ())
    for wrong in (
        replace(hall, root=other),
        replace(hall, successor=NEXT, successor_signatures={}),
        replace(hall, kind=drafts.DraftKind.ROOT),
        replace(step, successor=other),
        replace(step, root=other),
        replace(step, kind=drafts.DraftKind.REVOCATION, successor=None, successor_signatures=None),
    ):
        with pytest.raises(Problem):
            read_draft(write_draft(wrong))


@pytest.mark.parametrize("data", [b"", b"\xff\xff", b"\x08\x09"])
def test_rubbish_is_no_draft(data: bytes) -> None:
    with pytest.raises(Problem):
        read_draft(data)


# One root after the other


def test_a_keeper_is_replaced_by_enough_of_the_old_and_of_the_new() -> None:
    made = Trust([ROOT])
    step = handed_over(ROOT, NEXT, FIVE[:3], [TOP.id])
    assert made.take_root_successions([step]) == [step]
    made.learn([TOP, certificate_of(signed_by(hall_under(NEXT, label="anew"), [*FIVE[:2], "杨"]))])


@pytest.mark.parametrize("by", [FIVE[:2], [*FIVE[:2], FIVE[4]], [*FIVE[:2], "杨"]])
def test_too_few_of_the_old_or_of_the_new_replace_nobody(by: list[str]) -> None:
    """陈 is a keeper of the old root alone, 杨 of the new one alone."""
    draft = signed_by(draft_succession(ROOT, NEXT, NOW, ()), by)
    with pytest.raises(DraftUnfinished):
        finished_succession(draft)
    assert draft.successor_signatures is not None
    forged = wire.RootSuccession(
        body=draft.body,
        predecessor_signature=joined(draft.signatures),
        successor_signature=joined(draft.successor_signatures),
    )
    with pytest.raises(SignatureInvalid):
        read_root_succession(forged)


def test_a_root_with_one_key_hands_over_to_keepers() -> None:
    single = found_root("33")
    draft = draft_succession(single.certificate, NEXT, NOW, ())
    draft = drafts.signed(signed_by(draft, FIVE[:3]), single.signing_key)
    made = Trust([single.certificate])
    made.take_root_successions([finished_succession(draft)])
    assert NEXT in made.roots


def test_the_old_root_after_the_new_certifies_nobody_whatever_date_it_bears() -> None:
    made = Trust([ROOT])
    made.take_root_successions([handed_over(ROOT, NEXT, FIVE[:3], [TOP.id])])
    backdated = certificate_of(signed_by(hall_under(ROOT, label="stolen"), FIVE[2:]))
    with pytest.raises(RootEnded):
        made.learn([backdated])
    assert made.learn_what_leads_to_a_root([backdated]) == []


def test_what_the_old_root_certified_and_was_kept_stays_believed() -> None:
    for given_root in (ROOT, NEXT):
        made = Trust([given_root])
        made.take_root_successions([handed_over(ROOT, NEXT, FIVE[:3], [TOP.id])])
        made.learn([TOP])
        assert made.signer(TOP.id, NOW, NOW) == TOP


def test_what_was_learned_before_and_is_not_kept_is_not_believed_any_more() -> None:
    made = Trust([ROOT])
    made.learn([TOP])
    made.take_root_successions([handed_over(ROOT, NEXT, FIVE[:3])])
    with pytest.raises(RootEnded):
        made.signer(TOP.id, NOW, NOW)


def test_an_ended_root_hands_over_to_nobody_else() -> None:
    rival = root_of(SIX[:5], label="rival")
    made = Trust([ROOT])
    made.take_root_successions([handed_over(ROOT, NEXT, FIVE[:3])])
    assert made.take_root_successions([handed_over(ROOT, rival, FIVE[2:])]) == []
    assert made.take_root_successions([handed_over(NEXT, ROOT, FIVE[:3])]) == []
    assert rival not in made.roots


def test_an_ended_root_vouches_for_no_predecessor_but_the_kept_one() -> None:
    """Its stolen keys would otherwise bring in, as an older root, one that was never there."""
    third, invented = root_of(label="third"), root_of(label="invented")
    first = handed_over(ROOT, NEXT, FIVE[:3], [TOP.id])
    second = handed_over(NEXT, third, FIVE[:3], [first.digest])
    forged = handed_over(invented, NEXT, FIVE[:3])
    made = Trust([third])
    made.take_root_successions([second, forged, first])
    assert {root.id for root in made.roots} == {third.id, NEXT.id, ROOT.id}


def test_an_ended_root_revokes_nobody_any_more() -> None:
    body = RevocationBody(ROOT.body.suite, TOP.id, TOP.address, NOW, NOW, "stolen")
    ended = finished_revocation(signed_by(draft_revocation(ROOT, body), FIVE[:3]))
    for kept, counts in (((TOP.id,), False), ((TOP.id, ended.digest), True)):
        made = Trust([ROOT])
        made.take_root_successions([handed_over(ROOT, NEXT, FIVE[:3], kept)])
        made.learn([TOP])
        assert bool(made.take_revocations([ended])) == counts


def test_a_root_with_keepers_ends_the_certificate_of_the_highest_hall() -> None:
    body = RevocationBody(ROOT.body.suite, TOP.id, TOP.address, NOW, NOW, "stolen")
    draft = draft_revocation(ROOT, body)
    made = Trust([ROOT])
    made.learn([TOP])
    with pytest.raises(DraftUnfinished):
        finished_revocation(signed_by(draft, FIVE[:2]))
    assert made.take_revocations([finished_revocation(signed_by(draft, FIVE[:3]))])
    assert made.revoked_at(TOP.id) == NOW


def test_who_starts_anew_believes_no_more_of_an_ended_root() -> None:
    """A bundle is tried on one who believes the roots alone."""
    made = Trust([ROOT])
    made.take_root_successions([handed_over(ROOT, NEXT, FIVE[:3])])
    with pytest.raises(RootEnded):
        made.with_its_roots_alone().learn([TOP])


def test_a_root_that_stays_can_be_ended_later() -> None:
    made = Trust([ROOT])
    made.take_root_successions([handed_over(ROOT, NEXT, FIVE[:3], None)])
    made.learn([TOP])
    assert not made.has_ended(ROOT.id)
    made.take_root_successions([handed_over(ROOT, NEXT, FIVE[:3], [TOP.id])])
    assert made.has_ended(ROOT.id)
    assert made.signer(TOP.id, NOW, NOW) == TOP


@pytest.mark.parametrize(
    "kept", [[bytes(31)], [number.to_bytes(32, "big") for number in range(KEPT_MAX + 1)]]
)
def test_what_is_kept_are_digests_within_the_bound(kept: list[bytes]) -> None:
    with pytest.raises(MessageMalformed):
        handed_over(ROOT, NEXT, FIVE[:3], kept)


def test_a_root_that_ends_takes_no_hall_below_with_it() -> None:
    """The chain of a county leads to a certificate that was kept."""
    single = found_root("33")
    city = certify(certify(single, "33"), "3301")
    made = Trust([single.certificate])
    made.learn(city.chain[:-1])
    draft = draft_succession(single.certificate, NEXT, NOW, [city.chain[-2].id])
    draft = drafts.signed(signed_by(draft, FIVE[:3]), single.signing_key)
    made.take_root_successions([finished_succession(draft)])
    assert made.signer(city.certificate.id, NOW, NOW) == city.certificate
    assert made.take_revocations([revocation(city, certify(city, "330127"), NOW)])
