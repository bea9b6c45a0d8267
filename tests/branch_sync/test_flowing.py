"""How releases flow down the tree and certificates up: to all, once, whatever is repeated or restarted."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import pytest
from tests.branch_sync.parts import DAY, Halls
from tests.exchange.forging import certified
from tests.exchange.parts import told as told_by_exchange
from tests.exchange.test_certifying import KEY, NEWCOMER, asked, certify, first
from tests.exchange.test_revoking import shut_out as revoke_child
from tests.exchange.test_succeeding import MOVED, declare
from tests.simulation.halls import SUITE
from tests.simulation.worlds import CITY, COUNTY, HALLS, OTHER_COUNTY, PROVINCE, TOWNSHIP
from tests.trust.builders import NOW, found_root
from tests.trust.builders import certify as certify_by

from hallnet.branch_sync import certificates, releasing
from hallnet.branch_sync.certificates import RENEW_BEFORE
from hallnet.exchange import tables as exchange_tables
from hallnet.exchange.certificates import succeeding
from hallnet.places import Address, Level, divisions
from hallnet.trust.certificate import make_request, read_certificate
from hallnet.trust.envelope import Urgency
from hallnet.trust.freshness import SOFT_EXPIRY
from hallnet.trust.problems import CertificateRevoked
from hallnet.trust.release import RELEASE, ReleaseKind
from hallnet.trust.revocation import RevocationBody, revoke
from hallnet.trust.succession import SuccessionBody
from hallnet.trust.succession import declare as forge_succession
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire_release
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

POLICY_1 = f"policy-{PROVINCE}-1"


def release_entries(halls: Halls, at: str) -> list[wire_feed.FeedEntry]:
    """What the exchange of a hall told of releases that came."""
    return [
        entry
        for entry in told_by_exchange(halls.world.at(at), "message.received")
        if wire_feed.InboundMessage.FromString(entry.payload).kind == "release"
    ]


# Down


def test_a_release_reaches_every_hall_below_unchanged(halls: Halls) -> None:
    release = halls.publish(PROVINCE, content=b"policy")
    halls.settle()
    for address in HALLS:
        assert halls.standings(address) == [f"{POLICY_1} IN_FORCE"]
        (entry,) = halls.told(address, "release.in_force")
        assert entry.payload == release.SerializeToString(deterministic=True)


def test_a_release_of_a_county_reaches_its_townships_and_nobody_else(halls: Halls) -> None:
    halls.publish(COUNTY, content=b"policy")
    halls.settle()
    assert halls.content(TOWNSHIP) == b"policy"
    assert [halls.releases(address) for address in (PROVINCE, CITY, OTHER_COUNTY)] == [[], [], []]


def test_each_child_is_sent_a_release_once(halls: Halls) -> None:
    halls.publish(PROVINCE)
    halls.settle()
    assert halls.passed_on(CITY) == [(OTHER_COUNTY, POLICY_1), (COUNTY, POLICY_1)]
    assert halls.passed_on(PROVINCE) == [(CITY, POLICY_1)]
    assert halls.passed_on(TOWNSHIP) == []
    assert len(release_entries(halls, TOWNSHIP)) == 1


def test_a_release_that_comes_again_is_not_passed_on_again(halls: Halls) -> None:
    release = halls.publish(PROVINCE)
    halls.settle()
    before = halls.passed_on(CITY)
    for _ in range(2):
        halls.come(CITY, release)
        halls.restart(CITY)
        halls.settle()
    assert halls.passed_on(CITY) == before
    assert len(release_entries(halls, COUNTY)) == 1


def test_a_release_with_a_date_flows_down_at_once_and_takes_force_everywhere_at_it(
    halls: Halls,
) -> None:
    """A link that is down at the date keeps nothing back."""
    halls.settle()
    halls.publish(PROVINCE, content=b"new year", effective_at=halls.now + DAY)
    halls.settle()
    for address in HALLS:
        assert halls.standings(address) == [f"{POLICY_1} PENDING"]
    halls.world.at(TOWNSHIP).cut = True
    halls.pass_by(days=1)
    assert [halls.content(address) for address in HALLS] == [b"new year"] * len(HALLS)


def test_two_releases_published_close_together_arrive_in_order(halls: Halls) -> None:
    for content in (b"first", b"second", b"third"):
        halls.publish(PROVINCE, content=content)
    halls.settle()
    for address in set(HALLS) - {PROVINCE}:
        # The second was replaced before the first had its receipt.
        assert halls.standings(address) == [
            f"policy-{PROVINCE}-1 REPLACED",
            f"policy-{PROVINCE}-3 IN_FORCE",
        ]
        assert halls.told(address, "release.outdated") == []


def test_a_hall_that_was_cut_off_gets_what_it_missed(halls: Halls) -> None:
    halls.world.at(TOWNSHIP).cut = True
    for content in (b"first", b"second"):
        halls.publish(PROVINCE, content=content)
        halls.settle()
        halls.world.time.pass_by(days=3)
    assert halls.releases(TOWNSHIP) == []
    halls.world.at(TOWNSHIP).cut = False
    halls.settle()
    assert halls.content(TOWNSHIP) == b"second"


# A child that joins later


def join(halls: Halls) -> None:
    """A second township of the county joins, or joins anew."""
    certify(halls.world, COUNTY, make_request(asked(halls.world), KEY))


def answer(halls: Halls, child: str) -> None:
    """Whatever is under way to a child of the county has its receipt."""
    waiting: list[tuple[str, str]] = []
    while waiting != (found := references(halls, child)):
        for kind, reference in found[len(waiting) :]:
            ended = wire_feed.DeliveryEnded(
                recipient=child,
                kind=kind,
                reference=reference,
                verdict=wire_envelope.VERDICT_ACCEPTED,
            ).SerializeToString()
            halls.take(COUNTY, wire_feed.FeedEntry(kind="delivery.ended", payload=ended))
        waiting = found


def references(halls: Halls, child: str) -> list[tuple[str, str]]:
    return [
        (dispatch.kind, dispatch.reference)
        for entry in halls.told(COUNTY, "release.passed_on")
        for dispatch in entry.dispatches
        if dispatch.recipient == child
    ]


def sent_to(halls: Halls, child: str) -> list[str]:
    return [subject for recipient, subject in halls.passed_on(COUNTY) if recipient == child]


def test_a_child_that_joins_later_gets_what_is_in_force_and_what_will_be(halls: Halls) -> None:
    halls.publish(PROVINCE, content=b"old")
    halls.publish(PROVINCE, content=b"in force")
    halls.publish(PROVINCE, content=b"next week", effective_at=halls.now + 7 * DAY)
    halls.publish(COUNTY, content=b"of the county")
    halls.settle()
    join(halls)
    halls.settle()
    answer(halls, NEWCOMER)
    assert sent_to(halls, NEWCOMER) == [
        f"policy-{COUNTY}-1",
        f"policy-{PROVINCE}-2",
        f"policy-{PROVINCE}-3",
    ]


def test_a_child_that_joins_gets_the_trust_bundle_before_all_else(halls: Halls) -> None:
    halls.publish(PROVINCE, content=b"policy")
    halls.publish(PROVINCE, ReleaseKind.CODE_MAP, b"codes")
    halls.publish_trust(PROVINCE)
    halls.settle()
    join(halls)
    halls.settle()
    assert sent_to(halls, NEWCOMER)[0] == f"trust-{PROVINCE}-1"


def test_a_child_that_joins_gets_no_refused_release(halls: Halls) -> None:
    halls.come(COUNTY, halls.signed(OTHER_COUNTY))
    join(halls)
    halls.settle()
    assert sent_to(halls, NEWCOMER) == []


def test_what_is_published_after_a_child_joined_goes_to_it_as_well(halls: Halls) -> None:
    join(halls)
    halls.settle()
    halls.publish(COUNTY)
    assert halls.passed_on(COUNTY) == [
        (TOWNSHIP, f"policy-{COUNTY}-1"),
        (NEWCOMER, f"policy-{COUNTY}-1"),
    ]


def test_a_child_that_joins_again_gets_all_again_for_it_may_have_lost_it(halls: Halls) -> None:
    halls.publish(COUNTY)
    join(halls)
    halls.settle()
    join(halls)
    halls.settle()
    assert sent_to(halls, NEWCOMER) == [f"policy-{COUNTY}-1"] * 2
    answer(halls, NEWCOMER)
    halls.publish(COUNTY)
    assert sent_to(halls, NEWCOMER)[2:] == [f"policy-{COUNTY}-2"]


# Certificates up


def test_the_certificate_of_every_hall_is_told_up_to_the_top(new_halls: Halls) -> None:
    new_halls.settle()
    assert new_halls.certificates(PROVINCE) == set(HALLS) - {PROVINCE}
    assert new_halls.certificates(CITY) == {COUNTY, OTHER_COUNTY, TOWNSHIP}
    assert new_halls.certificates(COUNTY) == {TOWNSHIP}
    assert new_halls.certificates(TOWNSHIP) == set()


def test_a_certificate_is_told_up_once_and_urgently(new_halls: Halls) -> None:
    new_halls.settle()
    entries = told_by_exchange(new_halls.world.at(COUNTY), "child.enrolled")
    for _ in range(2):
        new_halls.restart(COUNTY)
        new_halls.take(COUNTY, *entries)
        new_halls.settle()
    told = [d for entry in new_halls.told(COUNTY, "certificates.told") for d in entry.dispatches]
    assert [(item.recipient, Urgency(item.urgency)) for item in told] == [(CITY, Urgency.URGENT)]
    assert new_halls.told(PROVINCE, "certificates.told") == []


def test_a_hall_that_restarts_still_knows_the_issuers_of_what_comes_later(new_halls: Halls) -> None:
    """The county's certificate came before the city's process ended, the township's after it."""
    new_halls.follow_exchange(CITY)
    new_halls.restart(CITY)
    new_halls.settle()
    assert TOWNSHIP in new_halls.certificates(PROVINCE)


def test_a_new_certificate_of_a_hall_is_told_beside_the_old_one(halls: Halls) -> None:
    join(halls)
    halls.settle()
    halls.world.time.pass_by(days=30)
    renewed = first(certify(halls.world, COUNTY, make_request(asked(halls.world), KEY)))
    halls.settle()
    assert halls.at(PROVINCE).context.trust.hall(Address(NEWCOMER), halls.now) == renewed


def test_what_is_no_certificate_of_this_network_is_passed_over(new_halls: Halls) -> None:
    """What somebody made up comes beside what is true."""
    new_halls.follow_exchange(PROVINCE)
    city = new_halls.world.at(CITY).context.identity
    county = new_halls.world.at(COUNTY).context.identity.certificate
    made_up = certified(city, county, signing_key=SUITE.signing_public(KEY)).to_message()
    made_up.signature = b"s" * 64
    bundle = wire_trust.TrustBundle(certificates=[made_up, county.to_message()])
    new_halls.receive(PROVINCE, "trust.certificates", bundle.SerializeToString())
    kept = new_halls.at(PROVINCE).database.look(
        lambda c: certificates.bundle(c, new_halls.at(PROVINCE).context, new_halls.now)
    )
    assert county.to_message() in kept.certificates
    assert made_up not in kept.certificates


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x12\x02\x0a\x00"])
def test_bytes_that_are_no_certificates_hold_up_nothing(new_halls: Halls, payload: bytes) -> None:
    new_halls.receive(PROVINCE, "trust.certificates", payload)
    assert new_halls.certificates(PROVINCE) == set()
    new_halls.settle()
    assert TOWNSHIP in new_halls.certificates(PROVINCE)


def test_messages_of_other_kinds_are_none_of_its_business(halls: Halls) -> None:
    for kind in ("case.events", "test.message", ""):
        halls.receive(COUNTY, kind, halls.signed(PROVINCE).SerializeToString())
    halls.take(COUNTY, wire_feed.FeedEntry(kind="incident.recorded", payload=b"\xff"))
    assert halls.releases(COUNTY) == []


# The trust bundle down


def test_the_bundle_makes_every_hall_known_to_every_other(halls: Halls) -> None:
    assert halls.publish_trust(PROVINCE)
    halls.settle()
    for address in HALLS:
        known = {str(hall) for hall in halls.at(address).context.trust.halls()}
        assert known >= set(HALLS)
        assert halls.standings(address) == [f"trust-{PROVINCE}-1 IN_FORCE"]
        bundle = halls.world.at(address).exchange.look(
            lambda c: c.execute(exchange_tables.trust_bundle.select()).one()
        )
        assert bundle.version == 1


def test_a_bundle_is_published_when_a_hall_joins_and_not_without_need(halls: Halls) -> None:
    assert halls.publish_trust(PROVINCE)
    assert not halls.publish_trust(PROVINCE)
    halls.restart(PROVINCE)
    assert not halls.publish_trust(PROVINCE)
    join(halls)
    halls.settle()
    assert halls.publish_trust(PROVINCE)
    halls.settle()
    assert Address(NEWCOMER) in halls.at(OTHER_COUNTY).context.trust.halls()


def test_a_bundle_is_published_anew_before_it_grows_old(halls: Halls) -> None:
    halls.publish_trust(PROVINCE)
    halls.world.time.now += SOFT_EXPIRY - RENEW_BEFORE
    assert not halls.publish_trust(PROVINCE)
    halls.world.time.pass_by(seconds=1)
    assert halls.publish_trust(PROVINCE)


def test_the_same_halls_give_the_same_bundle_whatever_the_order_they_were_told_in(
    new_halls: Halls,
) -> None:
    """Else it would be published for ever."""
    sync, city = new_halls.at(PROVINCE), new_halls.world.at(CITY).context.identity
    county = new_halls.world.at(COUNTY).context.identity.certificate
    new_halls.follow_exchange(PROVINCE)
    several = [certified(city, county, serial=bytes([n]) * 16) for n in range(8)]
    for item in several:
        told = certificates.Told([item])
        sync.database.transact(
            lambda c, told=told: certificates.take(c, sync.context, told, new_halls.now)  # type: ignore[misc]
        )
    made = sync.database.look(lambda c: certificates.bundle(c, sync.context, new_halls.now))
    again = list(reversed([read_certificate(item) for item in made.certificates]))
    assert [item.to_message() for item in certificates.needed(again, new_halls.now)] == list(
        made.certificates
    )
    (county_now,) = [item for item in again if item.address == Address.parse(COUNTY)]
    assert county_now == max(several, key=lambda item: item.id)


def test_a_bundle_tells_the_newest_certificate_of_each_hall_and_who_certified_it() -> None:
    root = found_root("33")
    old = certify_by(root, "33", label="33 old", not_after=NOW)
    new = certify_by(root, "33", not_before=NOW - DAY)
    under_old = certify_by(old, "3301", not_before=NOW - DAY)
    replaced = certify_by(old, "3301", label="3301 replaced", not_before=NOW - 2 * DAY)
    ended = certify_by(new, "3304", not_after=NOW)
    everybody = [item.certificate for item in (old, new, under_old, replaced, ended)]
    found = certificates.needed(everybody, NOW)
    assert set(found) == {old.certificate, new.certificate, under_old.certificate}


def test_a_bundle_has_room_for_every_hall_of_the_largest_province() -> None:
    """Sichuan, down to the township."""
    one = certify_by(certify_by(found_root("51"), "510104"), "510104020").certificate
    size = wire_trust.TrustBundle(certificates=[one.to_message()]).ByteSize()
    halls = sum(divisions().count(level, "51") for level in Level)
    assert halls > 3000
    assert size * halls < releasing.CONTENT_BYTES_MAX


# Shut out


def shut_out(halls: Halls) -> None:
    """The county ends the certificate of its township."""
    revoke_child(halls.world)
    halls.settle()


def test_a_revocation_reaches_every_hall_within_one_bundle(halls: Halls) -> None:
    halls.publish_trust(PROVINCE)
    halls.settle()
    shut_out(halls)
    assert halls.publish_trust(PROVINCE)
    halls.settle()
    for address in (PROVINCE, CITY, OTHER_COUNTY):
        for trust in (halls.at(address).context.trust, halls.world.at(address).context.trust):
            with pytest.raises(CertificateRevoked):
                trust.hall(Address.parse(TOWNSHIP), halls.now)


def test_a_succession_reaches_every_hall_within_one_bundle_and_stays(halls: Halls) -> None:
    """Stated by the city, told up, published by the province."""
    halls.publish_trust(PROVINCE)
    halls.settle()
    declare(halls.world)
    halls.settle()
    assert halls.publish_trust(PROVINCE)
    halls.settle()
    old, new = Address.parse(TOWNSHIP), Address.parse(MOVED)
    for address in HALLS:
        halls.restart(address)
        for trust in (halls.at(address).context.trust, halls.world.at(address).context.trust):
            assert trust.goes_on_as(old, halls.now) == new
    assert not halls.publish_trust(PROVINCE)


def test_a_new_root_reaches_every_hall_within_one_bundle_and_stays(halls: Halls) -> None:
    halls.publish_trust(PROVINCE)
    halls.settle()
    new, statement = halls.world.succession_of_root()
    province = halls.world.at(PROVINCE)
    province.exchange.transact(
        lambda c: succeeding.take_root_succession(c, province.context, statement, halls.now)
    )
    halls.settle()
    assert halls.publish_trust(PROVINCE)
    halls.settle()
    for address in HALLS:
        halls.restart(address)
        for trust in (halls.at(address).context.trust, halls.world.at(address).context.trust):
            assert new in trust.roots


def test_a_succession_that_a_hall_may_not_state_goes_no_further(halls: Halls) -> None:
    """A county that states what is the city's to state is not passed on, and nothing is published."""
    halls.publish_trust(PROVINCE)
    halls.settle()
    county = halls.world.at(COUNTY).context.identity
    body = SuccessionBody(
        SUITE.suite, Address.parse(TOWNSHIP), Address.parse(MOVED), halls.now, halls.now, "x"
    )
    forged = forge_succession(body, county.certificate, county.signing_key).to_message()
    told = wire_trust.TrustBundle(successions=[forged]).SerializeToString()
    halls.receive(CITY, certificates.CERTIFICATES_KIND, told)
    halls.settle()
    assert not halls.publish_trust(PROVINCE)


def test_a_revocation_is_published_once_and_remembered(halls: Halls) -> None:
    shut_out(halls)
    assert halls.publish_trust(PROVINCE)
    halls.restart(PROVINCE)
    assert not halls.publish_trust(PROVINCE)
    halls.world.time.now += SOFT_EXPIRY
    assert halls.publish_trust(PROVINCE)
    (release,) = [row for row in halls.releases(PROVINCE) if row.version == 2]
    body = RELEASE.from_bytes(wire_release.SignedRelease.FromString(release.signed).body)
    assert len(wire_trust.TrustBundle.FromString(body.content).revocations) == 1


def test_a_child_that_was_shut_out_is_sent_no_release_any_more(halls: Halls) -> None:
    shut_out(halls)
    halls.publish(COUNTY)
    assert halls.passed_on(COUNTY) == []


def test_a_hall_cannot_have_a_hall_shut_out_that_is_not_below_it(halls: Halls) -> None:
    """The top of the tree publishes nothing that nobody above the hall has signed."""
    halls.publish_trust(PROVINCE)
    halls.settle()
    forger = halls.world.at(OTHER_COUNTY).context.identity
    victim = halls.world.at(TOWNSHIP).context.identity.certificate
    body = RevocationBody(
        SUITE.suite, victim.id, victim.address, halls.now, halls.now, "because I say so"
    )
    forged = revoke(body, forger.certificate, forger.signing_key).to_message()
    told = wire_trust.TrustBundle(revocations=[forged]).SerializeToString()
    halls.receive(CITY, certificates.CERTIFICATES_KIND, told)
    halls.receive(PROVINCE, certificates.CERTIFICATES_KIND, told)
    halls.settle()
    assert not halls.publish_trust(PROVINCE)
    assert halls.at(PROVINCE).context.trust.hall(Address.parse(TOWNSHIP), halls.now) == victim


# Restarts


def test_a_process_that_ends_before_its_commit_has_done_nothing(new_halls: Halls) -> None:
    entries = told_by_exchange(new_halls.world.at(CITY), "child.enrolled")
    new_halls.take_and_end(CITY, *entries)
    new_halls.restart(CITY)
    assert new_halls.certificates(CITY) == set()
    new_halls.settle()
    assert new_halls.certificates(PROVINCE) == set(HALLS) - {PROVINCE}
    told = [d for entry in new_halls.told(CITY, "certificates.told") for d in entry.dispatches]
    assert len(told) == len(HALLS) - 2


def test_what_memory_learned_in_a_transaction_that_was_undone_is_still_told(
    new_halls: Halls,
) -> None:
    """The process lives on, the database forgot."""
    entries = told_by_exchange(new_halls.world.at(CITY), "child.enrolled")
    new_halls.take_and_end(CITY, *entries)
    new_halls.settle()
    assert new_halls.certificates(PROVINCE) == set(HALLS) - {PROVINCE}


def test_a_release_taken_in_a_transaction_that_was_undone_is_taken_again_once(
    halls: Halls,
) -> None:
    release = halls.signed(PROVINCE, content=b"policy")
    message = wire_feed.InboundMessage(kind="release", payload=release.SerializeToString())
    entry = wire_feed.FeedEntry(kind="message.received", payload=message.SerializeToString())
    for _ in range(3):
        halls.take_and_end(CITY, entry)
    assert halls.releases(CITY) == []
    halls.take(CITY, entry)
    halls.settle()
    assert halls.passed_on(CITY) == [(OTHER_COUNTY, POLICY_1), (COUNTY, POLICY_1)]
    assert halls.content(TOWNSHIP) == b"policy"


@pytest.mark.parametrize("after", ["follow_exchange", "follow_branch_sync", "carry_link", ""])
def test_all_processes_restart_after_any_step_and_nothing_is_lost_or_doubled(
    halls: Halls, after: str
) -> None:
    """After each step of one sort; then after every step."""
    halls.settle()
    for content in (b"first", b"second"):
        halls.publish(PROVINCE, content=content)
    steps: dict[str, Callable[[str], bool]] = {
        "follow_exchange": halls.follow_exchange,
        "follow_branch_sync": halls.follow_branch_sync,
        "carry_link": lambda address: halls.world.carry_link(halls.world.at(address)),
    }
    moved = True
    while moved:
        moved = False
        for name, address in itertools.product(steps, HALLS):
            if steps[name](address):
                moved = True
                if after in ("", name):
                    halls.restart(address)
                    halls.world.restart(address)
    for address in HALLS:
        assert halls.content(address) == b"second"
        assert set(Counter(halls.passed_on(address)).values()) <= {1}
        assert [entry.subject for entry in halls.told(address, "release.in_force")] == [
            f"policy-{PROVINCE}-1",
            f"policy-{PROVINCE}-2",
        ]
