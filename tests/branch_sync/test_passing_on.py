"""Each child is sent what it does not have, and no more: in one step, as a change, once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.branch_sync.parts import Halls
from tests.branch_sync.test_flowing import release_entries
from tests.case.builders import ITEM
from tests.exchange.parts import rows
from tests.simulation.halls import supplied_releases
from tests.simulation.worlds import CITY, COUNTY, HALLS, OTHER_COUNTY, PROVINCE, TOWNSHIP

from hallnet.branch_sync import passing_on, releasing, tables
from hallnet.case.item import CATALOGUE, Catalogue
from hallnet.trust.release import ReleaseKind
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire

SUPPLIED = CATALOGUE.from_bytes(dict(supplied_releases())[ReleaseKind.CATALOGUE])


def edition(number: int) -> bytes:
    """The catalogue with one item in its own version of this number."""
    first = replace(SUPPLIED.items[0], version=number)
    return CATALOGUE.to_bytes(Catalogue((first, *SUPPLIED.items[1:]), "test"))


def sent(halls: Halls, at: str, child: str) -> list[wire_feed.Dispatch]:
    return [
        dispatch
        for entry in halls.told(at, "release.passed_on")
        for dispatch in entry.dispatches
        if dispatch.recipient == child
    ]


def test_a_hall_that_missed_forty_versions_catches_up_in_one_step(halls: Halls) -> None:
    halls.publish(PROVINCE, ReleaseKind.CATALOGUE, edition(1))
    halls.settle()
    halls.world.at(TOWNSHIP).cut = True
    for number in range(2, 43):
        halls.publish(PROVINCE, ReleaseKind.CATALOGUE, edition(number))
        halls.settle()
    before = len(sent(halls, COUNTY, TOWNSHIP))
    # The second was under way when the line was cut; the forty after it are one.
    assert before == 2
    halls.world.at(TOWNSHIP).cut = False
    halls.settle()
    assert halls.content(TOWNSHIP, ReleaseKind.CATALOGUE) == edition(42)
    after = sent(halls, COUNTY, TOWNSHIP)[before:]
    assert [one.subject for one in after] == [f"catalogue-{PROVINCE}-42"]
    assert len(after[0].payload) < len(edition(42)) / 5


def test_only_what_is_new_is_sent(halls: Halls) -> None:
    for number in (1, 2):
        halls.publish(PROVINCE, ReleaseKind.CATALOGUE, edition(number))
        halls.settle()
    whole, change = sent(halls, COUNTY, TOWNSHIP)
    assert (whole.kind, change.kind) == (passing_on.RELEASE_KIND, passing_on.CHANGE_KIND)
    assert len(change.payload) * 5 < len(whole.payload)
    assert halls.content(TOWNSHIP, ReleaseKind.CATALOGUE) == edition(2)


def test_a_release_costs_each_parent_its_children_and_nobody_more(halls: Halls) -> None:
    halls.publish(PROVINCE, content=b"policy")
    halls.settle()
    messages = {address: len(halls.passed_on(address)) for address in HALLS}
    assert messages == {PROVINCE: 1, CITY: 2, COUNTY: 1, OTHER_COUNTY: 0, TOWNSHIP: 0}
    assert sum(messages.values()) == len(HALLS) - 1


def test_a_change_that_does_not_fit_is_asked_for_whole(halls: Halls) -> None:
    """A hall that was restored from an old backup does not have what its parent thinks."""
    halls.publish(PROVINCE, ReleaseKind.CATALOGUE, edition(1))
    halls.settle()
    sync = halls.at(TOWNSHIP)
    sync.database.transact(lambda c: c.execute(tables.release.delete()))
    halls.publish(PROVINCE, ReleaseKind.CATALOGUE, edition(2))
    halls.settle()
    assert halls.content(TOWNSHIP, ReleaseKind.CATALOGUE) == edition(2)
    kinds = [one.kind for one in sent(halls, COUNTY, TOWNSHIP)]
    assert kinds == [passing_on.RELEASE_KIND, passing_on.CHANGE_KIND, passing_on.RELEASE_KIND]


def test_a_change_of_somebody_who_is_not_the_parent_is_asked_for_by_nobody(halls: Halls) -> None:
    change = wire.ReleaseChange(kind=wire.RELEASE_KIND_POLICY, author=PROVINCE, version=7)
    halls.receive_from(COUNTY, OTHER_COUNTY, passing_on.CHANGE_KIND, change.SerializeToString())
    assert halls.told(COUNTY, "release.wanted") == []
    assert halls.releases(COUNTY) == []


def test_bytes_that_are_no_change_are_refused_and_hold_up_nothing(halls: Halls) -> None:
    halls.receive_from(TOWNSHIP, COUNTY, passing_on.CHANGE_KIND, b"\xff")
    halls.receive_from(COUNTY, TOWNSHIP, passing_on.WANTED_KIND, b"\xff")
    halls.publish(PROVINCE, content=b"policy")
    halls.settle()
    assert halls.content(TOWNSHIP) == b"policy"


@pytest.mark.parametrize("by_its_end", [True, False], ids=["expired", "refused"])
def test_a_release_that_nobody_took_is_sent_whole_when_it_can_be_of_use(
    halls: Halls, by_its_end: bool
) -> None:
    """At once if its time passed on the way; with the next one if it was refused."""
    halls.world.at(TOWNSHIP).cut = True
    halls.publish(COUNTY, content=b"first")
    halls.settle()
    (first,) = sent(halls, COUNTY, TOWNSHIP)
    verdict = wire_envelope.VERDICT_UNSPECIFIED if by_its_end else wire_envelope.VERDICT_REFUSED
    ended = wire_feed.DeliveryEnded(
        recipient=TOWNSHIP, kind=first.kind, reference=first.reference, verdict=verdict
    ).SerializeToString()
    halls.take(COUNTY, wire_feed.FeedEntry(kind="delivery.ended", payload=ended))
    assert len(sent(halls, COUNTY, TOWNSHIP)) == 1 + by_its_end
    if not by_its_end:
        halls.publish(COUNTY, content=b"second")
    again = sent(halls, COUNTY, TOWNSHIP)[-1]
    assert again.kind == passing_on.RELEASE_KIND
    assert again.subject == f"policy-{COUNTY}-{1 if by_its_end else 2}"


def test_a_receipt_that_comes_again_sends_nothing_twice(halls: Halls) -> None:
    halls.publish(COUNTY, content=b"first")
    halls.settle()
    (first,) = sent(halls, COUNTY, TOWNSHIP)
    for reference in (first.reference, "release-999", "release-x", "else", ""):
        ended = wire_feed.DeliveryEnded(
            recipient=TOWNSHIP,
            kind=first.kind,
            reference=reference,
            verdict=wire_envelope.VERDICT_ACCEPTED,
        ).SerializeToString()
        halls.take(COUNTY, wire_feed.FeedEntry(kind="delivery.ended", payload=ended))
    halls.settle()
    assert len(sent(halls, COUNTY, TOWNSHIP)) == 1
    assert len(release_entries(halls, TOWNSHIP)) == 1


def test_a_county_says_nothing_of_the_provinces_item_but_what_an_overlay_may(
    halls: Halls,
) -> None:
    """Also if its own node let it publish that."""
    halls.publish(PROVINCE, ReleaseKind.CATALOGUE, CATALOGUE.to_bytes(Catalogue((ITEM,), "")))
    halls.settle()
    own = replace(ITEM, item_id="own-item", name="县里的事项")
    other = replace(ITEM, version=2, name="改了名")
    wider = replace(ITEM, version=1001, base_version=1, agent_allowed=not ITEM.agent_allowed)
    for number, item in enumerate((other, wider), start=1):
        content = CATALOGUE.to_bytes(Catalogue((own, item), ""))
        forged = halls.signed(COUNTY, ReleaseKind.CATALOGUE, content, version=number)
        assert halls.come(TOWNSHIP, forged).reason == "OVERLAY_WIDENS"
    content = CATALOGUE.to_bytes(Catalogue((own,), ""))
    halls.publish(COUNTY, ReleaseKind.CATALOGUE, content)
    halls.settle()
    assert halls.content(TOWNSHIP, ReleaseKind.CATALOGUE) == content


def test_what_is_kept_of_children_is_bounded_by_kinds_and_authors(halls: Halls) -> None:
    for content in (b"first", b"second", b"third"):
        halls.publish(PROVINCE, content=content)
        halls.settle()
    kept = rows(halls.at(COUNTY).database, tables.child_release)
    assert [(row.child, row.author, row.taken, row.under_way) for row in kept] == [
        (TOWNSHIP, PROVINCE, 3, 0)
    ]
    sync = halls.at(COUNTY)
    assert (
        sync.database.look(lambda c: releasing.last_version(c, ReleaseKind.POLICY, PROVINCE)) == 3
    )
