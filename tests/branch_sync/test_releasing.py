"""What a hall makes of a release: believed or refused, pending or in force, replaced by a newer one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.branch_sync.parts import DAY, Halls
from tests.case.builders import ITEM
from tests.exchange.forging import certified
from tests.simulation.halls import SUITE, supplied_releases
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, PROVINCE, TOWNSHIP

from hallnet.branch_sync import certificates, releasing, tables
from hallnet.branch_sync.releasing import (
    CONTENT_BYTES_MAX,
    SUMMARY_CHARACTERS_MAX,
    ReleaseTooLarge,
    ReleaseUnknown,
)
from hallnet.branch_sync.standing import Standing
from hallnet.case.item import CATALOGUE, Catalogue
from hallnet.case.problems import CatalogueMalformed, TemplateMalformed
from hallnet.case.template import TEMPLATES, PaperKind, PaperTemplate, PaperTemplates
from hallnet.codec import MessageMalformed
from hallnet.federation.limits import CLOCK_SKEW_MAX
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.trust.certificate import Permission
from hallnet.trust.problems import ReleaseOutdated, ReleaseOutOfReach
from hallnet.trust.release import RELEASE, VERSION_LEAP_MAX, ReleaseKind, sign_release
from hallnet.trust.suite import Suite
from hallnet.wire.release.v1 import release_pb2 as wire
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

CATALOGUE_CONTENT = dict(supplied_releases())[ReleaseKind.CATALOGUE]
CALENDAR_CONTENT = dict(supplied_releases())[ReleaseKind.CALENDAR]


def bundle(halls: Halls, at: str = PROVINCE) -> wire_trust.TrustBundle:
    """The trust bundle of a hall that heard of all others."""
    sync = halls.at(at)
    own = certificates.Told([sync.context.membership.certificate])
    sync.database.transact(lambda c: certificates.take(c, sync.context, own, halls.now))
    return sync.database.look(lambda c: certificates.bundle(c, sync.context, halls.now))


# In force


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (ReleaseKind.CATALOGUE, CATALOGUE_CONTENT),
        (ReleaseKind.CALENDAR, CALENDAR_CONTENT),
        (ReleaseKind.POLICY, b"policy"),
    ],
)
def test_a_release_is_in_force_at_once_and_told_to_the_other_services(
    halls: Halls, kind: ReleaseKind, content: bytes
) -> None:
    release = halls.publish(COUNTY, kind, content)
    assert halls.content(COUNTY, kind) == content
    (entry,) = halls.told(COUNTY, "release.in_force")
    assert entry.subject == f"{kind.name.lower()}-{COUNTY}-1"
    assert wire.SignedRelease.FromString(entry.payload) == release


def test_a_trust_bundle_is_believed_as_soon_as_it_is_in_force(halls: Halls) -> None:
    content = bundle(halls).SerializeToString()
    release = halls.signed(PROVINCE, ReleaseKind.TRUST, content)
    assert Address(OTHER_COUNTY) not in halls.at(TOWNSHIP).context.trust.halls()
    assert halls.come(TOWNSHIP, release).standing == Standing.IN_FORCE
    assert Address(OTHER_COUNTY) in halls.at(TOWNSHIP).context.trust.halls()
    again = halls.restart(TOWNSHIP)
    assert Address(OTHER_COUNTY) in again.context.trust.halls()
    assert again.context.trust.standing is not None
    assert again.context.trust.standing.version == 1


def test_a_newer_release_replaces_the_older(halls: Halls) -> None:
    for content in (b"first", b"second"):
        halls.publish(COUNTY, content=content)
    assert halls.standings(COUNTY) == [
        f"policy-{COUNTY}-1 REPLACED",
        f"policy-{COUNTY}-2 IN_FORCE",
    ]
    assert halls.content(COUNTY) == b"second"


def test_kinds_and_authors_do_not_replace_each_other(halls: Halls) -> None:
    halls.come(TOWNSHIP, halls.signed(PROVINCE, content=b"province", version=7))
    halls.come(TOWNSHIP, halls.signed(COUNTY, content=b"county", version=2))
    halls.come(TOWNSHIP, halls.signed(PROVINCE, ReleaseKind.CODE_MAP, b"codes", version=1))
    assert {row.standing for row in halls.releases(TOWNSHIP)} == {Standing.IN_FORCE}


def test_of_several_authors_the_nearest_is_read(halls: Halls) -> None:
    halls.come(TOWNSHIP, halls.signed(COUNTY, content=b"county"))
    halls.come(TOWNSHIP, halls.signed(PROVINCE, content=b"province"))
    assert halls.content(TOWNSHIP) == b"county"


def test_a_kind_of_which_nothing_is_in_force_is_not_found(halls: Halls) -> None:
    halls.publish(COUNTY, effective_at=halls.now + DAY)
    with pytest.raises(ReleaseUnknown):
        halls.content(COUNTY)


# Dates


def test_a_release_waits_for_its_date_and_is_in_force_at_it(halls: Halls) -> None:
    halls.publish(COUNTY, content=b"now")
    halls.publish(COUNTY, content=b"tomorrow", effective_at=halls.now + DAY)
    assert halls.standings(COUNTY)[-1] == f"policy-{COUNTY}-2 PENDING"
    halls.pass_by(hours=23, minutes=59, seconds=59)
    assert halls.content(COUNTY) == b"now"
    halls.pass_by(seconds=1)
    assert halls.content(COUNTY) == b"tomorrow"
    assert halls.standings(COUNTY) == [
        f"policy-{COUNTY}-1 REPLACED",
        f"policy-{COUNTY}-2 IN_FORCE",
    ]


def test_a_date_that_is_reached_is_told_once(halls: Halls) -> None:
    halls.publish(COUNTY, effective_at=halls.now + DAY)
    halls.pass_by(days=2)
    assert not halls.enforce(COUNTY)
    halls.restart(COUNTY)
    assert not halls.enforce(COUNTY)
    assert len(halls.told(COUNTY, "release.in_force")) == 1


def test_a_date_that_passed_while_the_process_stood_still_takes_force_after_it(
    halls: Halls,
) -> None:
    halls.publish(COUNTY, content=b"tomorrow", effective_at=halls.now + DAY)
    halls.world.time.pass_by(days=30)
    halls.restart(COUNTY)
    assert halls.enforce(COUNTY)
    assert halls.content(COUNTY) == b"tomorrow"


def test_of_two_that_wait_the_one_with_the_earlier_date_comes_first(halls: Halls) -> None:
    halls.publish(COUNTY, content=b"in two days", effective_at=halls.now + 2 * DAY)
    halls.publish(COUNTY, content=b"in three days", effective_at=halls.now + 3 * DAY)
    halls.pass_by(days=2)
    assert halls.content(COUNTY) == b"in two days"
    halls.pass_by(days=1)
    assert halls.content(COUNTY) == b"in three days"


def test_a_newer_version_in_force_is_not_replaced_when_the_date_of_an_older_comes(
    halls: Halls,
) -> None:
    halls.publish(COUNTY, content=b"planned", effective_at=halls.now + DAY)
    halls.publish(COUNTY, content=b"urgent")
    halls.pass_by(days=2)
    assert halls.content(COUNTY) == b"urgent"
    assert halls.standings(COUNTY) == [
        f"policy-{COUNTY}-1 REPLACED",
        f"policy-{COUNTY}-2 IN_FORCE",
    ]
    assert len(halls.told(COUNTY, "release.in_force")) == 1


def test_of_two_dates_that_passed_together_only_the_newest_stays_in_force(halls: Halls) -> None:
    halls.publish(COUNTY, content=b"first", effective_at=halls.now + DAY)
    halls.publish(COUNTY, content=b"second", effective_at=halls.now + 2 * DAY)
    halls.pass_by(days=5)
    assert halls.content(COUNTY) == b"second"
    told = [entry.subject for entry in halls.told(COUNTY, "release.in_force")]
    assert told == [f"policy-{COUNTY}-1", f"policy-{COUNTY}-2"]


def test_two_who_look_at_the_dates_at_once_put_a_release_in_force_once(halls: Halls) -> None:
    halls.publish(COUNTY, effective_at=halls.now + DAY)
    halls.world.time.pass_by(days=1)
    sync = halls.at(COUNTY)
    second = threading.Thread(target=halls.enforce, args=(COUNTY,))

    def first(connection: Connection) -> None:
        releasing.enforce(connection, sync.context, halls.now)
        second.start()
        if not sync.database.is_sqlite:
            _until_somebody_waits(halls)

    sync.database.transact(first)
    second.join()
    assert len(halls.told(COUNTY, "release.in_force")) == 1


def _until_somebody_waits(halls: Halls) -> None:
    """PostgreSQL says that a transaction waits for the row of another."""
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while not halls.world.at(COUNTY).exchange.look(lambda c: c.execute(query).scalar_one()):
        continue


# Versions


def test_a_missed_version_is_no_hole(halls: Halls) -> None:
    """A release holds all of its kind: the newest that came takes force."""
    halls.come(TOWNSHIP, halls.signed(PROVINCE, content=b"first", version=1))
    row = halls.come(TOWNSHIP, halls.signed(PROVINCE, content=b"ninth", version=9))
    assert row.standing == Standing.IN_FORCE
    assert halls.content(TOWNSHIP) == b"ninth"


def test_an_older_or_equal_version_is_refused_as_outdated(halls: Halls) -> None:
    halls.come(TOWNSHIP, halls.signed(PROVINCE, content=b"third", version=3))
    for version in range(4):
        row = halls.come(TOWNSHIP, halls.signed(PROVINCE, content=b"other", version=version))
        assert (row.standing, row.reason) == (Standing.REFUSED, "RELEASE_OUTDATED")
    assert halls.content(TOWNSHIP) == b"third"
    assert len(halls.told(TOWNSHIP, "release.outdated")) == 4
    assert halls.told(TOWNSHIP, "release.refused") == []


def test_a_version_that_waits_for_its_date_counts_as_known(halls: Halls) -> None:
    halls.come(TOWNSHIP, halls.signed(PROVINCE, version=3, effective_at=halls.now + DAY))
    row = halls.come(TOWNSHIP, halls.signed(PROVINCE, content=b"late", version=2))
    assert row.reason == "RELEASE_OUTDATED"


def test_a_refused_version_does_not_count_as_known(halls: Halls) -> None:
    forged = halls.signed(PROVINCE, content=b"forged", version=50)
    forged.signature = b"s" * 64
    halls.come(TOWNSHIP, forged)
    row = halls.come(TOWNSHIP, halls.signed(PROVINCE, content=b"real", version=1))
    assert row.standing == Standing.IN_FORCE


def test_the_same_release_again_changes_nothing_at_any_age(halls: Halls) -> None:
    first, second = (halls.signed(PROVINCE, version=version) for version in (1, 2))
    for release in (first, second):
        halls.come(COUNTY, release)
    before, told = halls.releases(COUNTY), halls.at(COUNTY).database.look(_head)
    for _ in range(2):
        halls.come(COUNTY, first)
        halls.come(COUNTY, second)
        halls.world.time.pass_by(days=400)
        halls.restart(COUNTY)
    assert halls.releases(COUNTY) == before
    assert halls.at(COUNTY).database.look(_head) == told


# Who may speak


def _not_above(halls: Halls) -> wire.SignedRelease:
    return halls.signed(OTHER_COUNTY)


def _below(halls: Halls) -> wire.SignedRelease:
    return halls.signed(TOWNSHIP)


def _in_the_name_of_another(halls: Halls) -> wire.SignedRelease:
    return halls.signed(CITY, author=Address(PROVINCE))


def _not_permitted(halls: Halls) -> wire.SignedRelease:
    """The city speaks with a certificate that allows it to exchange and nothing else."""
    city = halls.world.at(CITY).context.identity
    province = halls.world.at(PROVINCE).context.identity
    poor = certified(province, city.certificate, permissions=(Permission.EXCHANGE,))
    body = RELEASE.from_bytes(halls.signed(CITY).body)
    return sign_release(body, city.signing_key, [poor, *city.chain[1:-1]])


def _signed_by_another_key(halls: Halls) -> wire.SignedRelease:
    identity = halls.world.at(CITY).context.identity
    body = RELEASE.from_bytes(halls.signed(CITY).body)
    return sign_release(body, SUITE.new_signing_key(), list(identity.chain[:-1]))


def _changed_after_signing(halls: Halls) -> wire.SignedRelease:
    release = halls.signed(CITY, content=b"true")
    return wire.SignedRelease(
        body=halls.signed(CITY, content=b"false").body,
        signature=release.signature,
        chain=release.chain,
    )


def _without_a_chain(halls: Halls) -> wire.SignedRelease:
    release = halls.signed(CITY)
    return wire.SignedRelease(body=release.body, signature=release.signature)


def _signed_after_its_certificate_ended(halls: Halls) -> wire.SignedRelease:
    return halls.signed(CITY, issued_at=halls.now + 5000 * DAY)


def _trust_of_a_hall_between(halls: Halls) -> wire.SignedRelease:
    """Who is believed is said by the top: a county that said so would cut its townships off."""
    content = bundle(halls).SerializeToString()
    return halls.signed(CITY, ReleaseKind.TRUST, content, version=1000)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_not_above, "RELEASE_OUT_OF_REACH"),
        (_below, "PERMISSION_MISSING"),
        (_in_the_name_of_another, "SPEAKS_FOR_ANOTHER"),
        (_not_permitted, "PERMISSION_MISSING"),
        (_signed_by_another_key, "SIGNATURE_INVALID"),
        (_changed_after_signing, "SIGNATURE_INVALID"),
        (_without_a_chain, "CERTIFICATE_UNKNOWN"),
        (_signed_after_its_certificate_ended, "CERTIFICATE_EXPIRED"),
        (_trust_of_a_hall_between, "RELEASE_OUT_OF_REACH"),
    ],
)
def test_a_release_of_somebody_who_may_not_is_refused_recorded_and_passed_on_to_nobody(
    halls: Halls, make: Callable[[Halls], wire.SignedRelease], reason: str
) -> None:
    release = make(halls)
    before = halls.passed_on(COUNTY)
    row = halls.come(COUNTY, release)
    assert (row.standing, row.reason) == (Standing.REFUSED, reason)
    assert row.author == str(RELEASE.from_bytes(release.body).author)
    assert row.signed == b""
    assert [entry.subject for entry in halls.told(COUNTY, "release.refused")] == [reason]
    assert halls.told(COUNTY, "release.in_force") == []
    assert halls.passed_on(COUNTY) == before


def test_the_same_forgery_again_is_recorded_once(halls: Halls) -> None:
    release = halls.signed(OTHER_COUNTY)
    for _ in range(3):
        halls.come(COUNTY, release)
    assert len(halls.releases(COUNTY)) == 1
    assert len(halls.told(COUNTY, "release.refused")) == 1


def test_a_forged_copy_that_comes_first_does_not_keep_the_real_release_out(halls: Halls) -> None:
    """Any hall can send the words of a release with a signature that is none."""
    real = halls.signed(PROVINCE, content=b"real")
    forged = wire.SignedRelease(body=real.body, signature=b"s" * 64, chain=real.chain)
    assert halls.come(COUNTY, forged).standing == Standing.REFUSED
    assert halls.come(COUNTY, real).standing == Standing.IN_FORCE
    assert halls.come(COUNTY, forged).standing == Standing.IN_FORCE
    assert halls.content(COUNTY) == b"real"


def test_what_was_refused_for_a_reason_that_is_gone_is_taken_when_it_comes_again(
    halls: Halls,
) -> None:
    real = halls.signed(PROVINCE, content=b"real")
    revoked = halls.world.revocation_by_root(PROVINCE, "by mistake")
    halls.at(COUNTY).context.trust.take_revocations([revoked])
    assert halls.come(COUNTY, real).reason == "CERTIFICATE_REVOKED"
    halls.restart(COUNTY)
    assert halls.come(COUNTY, real).standing == Standing.IN_FORCE


# What cannot be read or kept


@pytest.mark.parametrize("payload", [b"", b"\xff", b"no release at all", b"\x0a\x02\xff\xff"])
def test_bytes_that_are_no_release_are_refused_and_hold_up_nothing(
    halls: Halls, payload: bytes
) -> None:
    row = halls.come(COUNTY, payload)
    assert (row.standing, row.reason, row.author) == (Standing.REFUSED, "MESSAGE_MALFORMED", "")
    assert halls.come(COUNTY, halls.signed(PROVINCE)).standing == Standing.IN_FORCE


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2**63},
        {"version": 2**64 - 1},
        {"summary": "a\0b"},
        {"summary": "长" * (SUMMARY_CHARACTERS_MAX + 1)},
        {"effective_at": datetime(1, 1, 1, tzinfo=UTC)},
        {"effective_at": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)},
        {"issued_at": datetime(1, 1, 1, tzinfo=UTC)},
    ],
)
def test_what_no_database_keeps_is_refused_whoever_says_it(
    halls: Halls, changes: dict[str, Any]
) -> None:
    """Any hall can send such bytes, signed or not: they would hold up all that comes after them."""
    for author in (PROVINCE, OTHER_COUNTY):
        row = halls.come(COUNTY, halls.signed(author, **changes))
        assert (row.standing, row.reason, row.summary) == (
            Standing.REFUSED,
            "MESSAGE_MALFORMED",
            "",
        )


def test_a_release_from_the_future_is_held_until_its_time(halls: Halls) -> None:
    """The author's clock is fast: the release is kept and passed on, and has no effect before its date."""
    issued_at = halls.now + CLOCK_SKEW_MAX + timedelta(minutes=5)
    row = halls.come(COUNTY, halls.signed(PROVINCE, content=b"ahead", issued_at=issued_at))
    assert row.standing == Standing.PENDING
    assert len(halls.passed_on(COUNTY)) == len(halls.world.at(COUNTY).context.children)
    halls.pass_by(minutes=9)
    assert halls.releases(COUNTY)[-1].standing == Standing.PENDING
    halls.pass_by(minutes=1)
    assert halls.content(COUNTY) == b"ahead"


def test_a_release_within_the_bound_of_skew_is_in_force_at_once(halls: Halls) -> None:
    issued_at = halls.now + CLOCK_SKEW_MAX
    row = halls.come(COUNTY, halls.signed(PROVINCE, issued_at=issued_at))
    assert row.standing == Standing.IN_FORCE


def test_a_version_that_nobody_can_have_missed_is_refused_and_the_next_one_taken(
    halls: Halls,
) -> None:
    """Else a stolen key could end all publishing with the highest version there is."""
    row = halls.come(COUNTY, halls.signed(PROVINCE, version=2**63 - 1))
    assert (row.version, row.standing, row.reason) == (
        2**63 - 1,
        Standing.REFUSED,
        "RELEASE_LEAPS",
    )
    row = halls.come(COUNTY, halls.signed(PROVINCE, version=VERSION_LEAP_MAX))
    assert row.standing == Standing.IN_FORCE


def catalogue(*items: object) -> bytes:
    return CATALOGUE.to_bytes(Catalogue(items, "test"))  # type: ignore[arg-type]


UNUSABLE = {
    "cut catalogue": (ReleaseKind.CATALOGUE, CATALOGUE_CONTENT[:-1], MessageMalformed),
    "cut calendar": (ReleaseKind.CALENDAR, CALENDAR_CONTENT[:-1], MessageMalformed),
    "cut bundle": (ReleaseKind.TRUST, b"\x0a\xff", MessageMalformed),
    "bundle of nothing": (ReleaseKind.TRUST, b"", MessageMalformed),
    "the same version twice": (ReleaseKind.CATALOGUE, catalogue(ITEM, ITEM), CatalogueMalformed),
    "an item without a name": (
        ReleaseKind.CATALOGUE,
        catalogue(replace(ITEM, name=" ")),
        CatalogueMalformed,
    ),
    "a name that no table keeps": (
        ReleaseKind.CATALOGUE,
        catalogue(replace(ITEM, name="低保\0")),
        CatalogueMalformed,
    ),
    "an item id that no table keeps": (
        ReleaseKind.CATALOGUE,
        catalogue(replace(ITEM, item_id="x" * 65)),
        CatalogueMalformed,
    ),
    "no item id": (ReleaseKind.CATALOGUE, catalogue(replace(ITEM, item_id="")), CatalogueMalformed),
    "a version that no table keeps": (
        ReleaseKind.CATALOGUE,
        catalogue(replace(ITEM, version=2**31)),
        CatalogueMalformed,
    ),
    "texts without what the law wants": (
        ReleaseKind.TEMPLATE,
        TEMPLATES.to_bytes(PaperTemplates((PaperTemplate(PaperKind.REFUSAL, "不批准。"),))),
        TemplateMalformed,
    ),
    "too much": (ReleaseKind.POLICY, bytes(CONTENT_BYTES_MAX + 1), ReleaseTooLarge),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_content_that_nobody_can_use_is_refused_whole_with_a_reason(
    halls: Halls, what: str
) -> None:
    kind, content, problem = UNUSABLE[what]
    with pytest.raises(problem):
        halls.publish(PROVINCE, kind, content)
    assert halls.releases(PROVINCE) == []
    row = halls.come(TOWNSHIP, halls.signed(PROVINCE, kind, content))
    assert (row.standing, row.reason) == (Standing.REFUSED, problem.reason)
    assert halls.told(TOWNSHIP, "release.in_force") == []


def _forged_certificate(made: wire_trust.TrustBundle) -> None:
    made.certificates[0].signature = b"s" * 64


def _unknown_suite(made: wire_trust.TrustBundle) -> None:
    made.suites.append(9)  # type: ignore[arg-type]


def _not_the_suite_of_the_top(made: wire_trust.TrustBundle) -> None:
    made.suites[:] = [wire_trust.SUITE_SM2]


def _no_certificate(made: wire_trust.TrustBundle) -> None:
    made.certificates[0].body = b"none"


def _without_its_issuers(made: wire_trust.TrustBundle) -> None:
    del made.certificates[:-1]


def _no_suite(made: wire_trust.TrustBundle) -> None:
    del made.suites[:]


def _no_expiry(made: wire_trust.TrustBundle) -> None:
    made.ClearField("soft_expires_at")


def _moment_that_is_none(made: wire_trust.TrustBundle) -> None:
    made.hard_expires_at.seconds = 10**15


def _ends_before_it_grows_old(made: wire_trust.TrustBundle) -> None:
    made.hard_expires_at.seconds = made.soft_expires_at.seconds - 1


SPOILT: list[Callable[[wire_trust.TrustBundle], None]] = [
    _forged_certificate,
    _unknown_suite,
    _not_the_suite_of_the_top,
    _no_certificate,
    _without_its_issuers,
    _no_suite,
    _no_expiry,
    _moment_that_is_none,
    _ends_before_it_grows_old,
]


def test_a_trust_bundle_that_cannot_be_believed_whole_is_refused_before_its_date_comes(
    halls: Halls,
) -> None:
    """Else it would hold up every hall of the network at that date."""
    date = halls.now + DAY
    for spoil in SPOILT:
        made = bundle(halls)
        spoil(made)
        content = made.SerializeToString()
        with pytest.raises(Problem):
            halls.publish(PROVINCE, ReleaseKind.TRUST, content, effective_at=date)
        halls.come(TOWNSHIP, halls.signed(PROVINCE, ReleaseKind.TRUST, content, effective_at=date))
    assert [row.standing for row in halls.releases(TOWNSHIP)] == [Standing.REFUSED] * len(SPOILT)
    halls.come(TOWNSHIP, halls.signed(PROVINCE, content=b"policy", effective_at=date))
    halls.pass_by(days=2)
    assert halls.content(TOWNSHIP) == b"policy"


def test_what_a_hall_may_not_publish_leaves_nothing_behind(halls: Halls) -> None:
    halls.publish(COUNTY)
    for problem, changes in (
        (ReleaseOutdated, {"version": 1}),
        (ReleaseOutOfReach, {"kind": ReleaseKind.TRUST, "content": b""}),
    ):
        with pytest.raises(problem):
            halls.publish(COUNTY, **changes)
    assert len(halls.releases(COUNTY)) == 1


def test_an_empty_catalogue_is_a_catalogue(halls: Halls) -> None:
    """A hall that withdraws all its items says so."""
    assert halls.come(COUNTY, halls.signed(CITY, ReleaseKind.CATALOGUE, catalogue())).standing == (
        Standing.IN_FORCE
    )


def test_many_dates_at_once_are_dealt_with_in_bounded_steps(halls: Halls) -> None:
    date = halls.now + timedelta(hours=1)
    count = releasing.PENDING_ROWS_MAX + 5
    for version in range(1, count + 1):
        halls.come(COUNTY, halls.signed(CITY, version=version, effective_at=date))
    halls.pass_by(hours=1)
    assert halls.content(COUNTY) == b""
    assert sum(row.standing == Standing.PENDING for row in halls.releases(COUNTY)) == 5
    assert halls.enforce(COUNTY)
    assert halls.releases(COUNTY)[-1].standing == Standing.IN_FORCE
    assert sum(row.standing == Standing.IN_FORCE for row in halls.releases(COUNTY)) == 1


def _head(connection: Connection) -> int:
    return tables.feed.head(connection)


def test_the_highest_hall_says_in_the_bundle_which_suites_may_be_used(halls: Halls) -> None:
    assert halls.publish_trust(PROVINCE)
    halls.settle()
    assert halls.world.at(TOWNSHIP).context.trust.suites == {Suite.ED25519}
    halls.at(PROVINCE).context.wanted_suites = frozenset(Suite)
    assert halls.publish_trust(PROVINCE)
    halls.settle()
    for address in (PROVINCE, TOWNSHIP):
        assert halls.at(address).context.trust.suites == set(Suite)
        assert halls.world.at(address).context.trust.suites == set(Suite)
    halls.at(PROVINCE).context.wanted_suites = frozenset()
    assert not halls.publish_trust(PROVINCE), "what is allowed stays allowed"
    assert halls.restart(TOWNSHIP).context.trust.suites == set(Suite)
    assert halls.world.restart(TOWNSHIP).context.trust.suites == set(Suite)
