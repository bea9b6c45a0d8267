"""A bad release is withdrawn by its author: what was in force before is in force again, for good."""

from __future__ import annotations

import pytest
from tests.branch_sync.parts import DAY, Halls
from tests.simulation.worlds import CITY, COUNTY, HALLS, OTHER_COUNTY, PROVINCE, TOWNSHIP

from hallnet.branch_sync import withdrawing
from hallnet.branch_sync.releasing import ReleaseUnknown
from hallnet.branch_sync.standing import Standing
from hallnet.branch_sync.withdrawing import WithdrawalUnusable
from hallnet.places import Address
from hallnet.trust.release import ReleaseKind
from hallnet.wire.release.v1 import release_pb2 as wire


def withdraw(
    halls: Halls, at: str, version: int, kind: ReleaseKind = ReleaseKind.POLICY
) -> wire.SignedRelease:
    sync = halls.at(at)
    found = sync.database.look(
        lambda c: withdrawing.restored(c, Address.parse(at), kind, version, halls.now)
    )
    return halls.publish(
        at,
        kind,
        found.content,
        effective_at=found.effective_at,
        summary="内容有误",
        withdraws=version,
        restores=found.version,
    )


def test_what_was_in_force_before_is_so_again_at_every_hall(halls: Halls) -> None:
    for content in (b"good", b"bad"):
        halls.publish(PROVINCE, content=content)
        halls.settle()
    withdraw(halls, PROVINCE, 2)
    halls.settle()
    for address in HALLS:
        assert halls.content(address) == b"good"
        assert halls.standings(address) == [
            f"policy-{PROVINCE}-1 REPLACED",
            f"policy-{PROVINCE}-2 WITHDRAWN",
            f"policy-{PROVINCE}-3 IN_FORCE",
        ]
    assert halls.releases(TOWNSHIP)[-1].summary == "内容有误"


def test_a_withdrawn_version_does_not_come_back_when_it_is_sent_again(halls: Halls) -> None:
    halls.publish(PROVINCE, content=b"good")
    bad = halls.publish(PROVINCE, content=b"bad")
    halls.settle()
    withdraw(halls, PROVINCE, 2)
    halls.settle()
    halls.come(TOWNSHIP, bad)
    assert halls.content(TOWNSHIP) == b"good"
    halls.restart(TOWNSHIP)
    assert not halls.enforce(TOWNSHIP)
    assert halls.content(TOWNSHIP) == b"good"


def test_a_hall_that_was_cut_off_never_has_the_bad_one_if_it_had_not_left(halls: Halls) -> None:
    halls.publish(PROVINCE, content=b"good")
    halls.settle()
    halls.world.at(TOWNSHIP).cut = True
    halls.publish(PROVINCE, content=b"better")
    halls.settle()
    halls.publish(PROVINCE, content=b"bad")
    withdraw(halls, PROVINCE, 3)
    halls.settle()
    halls.world.at(TOWNSHIP).cut = False
    halls.settle()
    assert halls.content(TOWNSHIP) == b"better"
    assert f"policy-{PROVINCE}-3" not in str(halls.standings(TOWNSHIP))


def test_the_first_release_withdrawn_leaves_what_the_hall_above_says(halls: Halls) -> None:
    halls.publish(PROVINCE, content=b"of the province")
    halls.publish(COUNTY, content=b"bad")
    halls.settle()
    assert halls.content(TOWNSHIP) == b"bad"
    withdraw(halls, COUNTY, 1)
    halls.settle()
    assert halls.content(TOWNSHIP) == b"of the province"
    halls.publish(COUNTY, content=b"mended")
    halls.settle()
    assert halls.content(TOWNSHIP) == b"mended"


def test_the_only_release_withdrawn_leaves_nothing_in_force(halls: Halls) -> None:
    halls.publish(COUNTY, content=b"bad")
    withdraw(halls, COUNTY, 1)
    with pytest.raises(ReleaseUnknown):
        halls.content(COUNTY)
    with pytest.raises(WithdrawalUnusable):
        withdraw(halls, COUNTY, 2)


def test_one_that_waits_for_its_date_never_takes_force_once_withdrawn(halls: Halls) -> None:
    halls.publish(COUNTY, content=b"now")
    halls.publish(COUNTY, content=b"next week", effective_at=halls.now + 7 * DAY)
    halls.settle()
    withdraw(halls, COUNTY, 2)
    halls.settle()
    halls.pass_by(days=8)
    for address in (COUNTY, TOWNSHIP):
        assert halls.content(address) == b"now"
        assert halls.releases(address)[1].standing == Standing.WITHDRAWN


def test_withdrawing_again_goes_one_step_further_back(halls: Halls) -> None:
    for content in (b"first", b"second", b"third"):
        halls.publish(COUNTY, content=content)
    withdraw(halls, COUNTY, 3)
    assert halls.content(COUNTY) == b"second"
    withdraw(halls, COUNTY, 4)
    assert halls.content(COUNTY) == b"first"


@pytest.mark.parametrize("version", [0, 1, 3], ids=["none", "an earlier one", "one to come"])
def test_only_the_newest_release_is_withdrawn(halls: Halls, version: int) -> None:
    for content in (b"first", b"second"):
        halls.publish(COUNTY, content=content)
    with pytest.raises(WithdrawalUnusable):
        withdraw(halls, COUNTY, version)


def test_trust_data_are_not_withdrawn(halls: Halls) -> None:
    halls.publish_trust(PROVINCE)
    with pytest.raises(WithdrawalUnusable):
        withdraw(halls, PROVINCE, 1, ReleaseKind.TRUST)
    forged = halls.signed(PROVINCE, ReleaseKind.TRUST, b"", version=2, withdraws=1)
    assert halls.come(TOWNSHIP, forged).standing == Standing.REFUSED


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2, "withdraws": 2},
        {"version": 2, "withdraws": 3},
        {"version": 3, "withdraws": 1, "restores": 2},
        {"version": 3, "restores": 1},
        {"version": 2, "withdraws": 1, "content": b"void and yet something"},
    ],
    ids=["itself", "a later one", "by a later one", "nothing", "with content"],
)
def test_a_withdrawal_that_says_what_cannot_be_is_refused(
    halls: Halls, changes: dict[str, object]
) -> None:
    halls.publish(COUNTY, content=b"first")
    halls.settle()
    forged = halls.signed(COUNTY, **changes)  # type: ignore[arg-type]
    assert halls.come(TOWNSHIP, forged).standing == Standing.REFUSED
    assert halls.content(TOWNSHIP) == b"first"


def test_nobody_withdraws_what_another_hall_published(halls: Halls) -> None:
    halls.publish(PROVINCE, content=b"of the province")
    halls.settle()
    halls.publish(COUNTY, content=b"", version=2, withdraws=1)
    halls.settle()
    assert halls.content(TOWNSHIP) == b"of the province"
    assert halls.content(OTHER_COUNTY) == halls.content(CITY) == b"of the province"
