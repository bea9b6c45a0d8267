"""What does not concern a follower of a feed costs it no transaction, and is not left unread for ever."""

from __future__ import annotations

from hallnet.node.feeds import PASSED_OVER_MAX, Interest, all_of_them
from hallnet.wire.feed.v1 import feed_pb2 as wire


def batch(*kinds: str) -> list[wire.FeedEntry]:
    return [wire.FeedEntry(kind=kind) for kind in kinds]


def of_cases() -> Interest:
    return Interest(lambda entry: entry.kind.startswith("case."))


def test_a_batch_in_which_nothing_concerns_a_follower_is_passed_over() -> None:
    interest = of_cases()
    assert interest.passes_over(batch("release.in_force", "rollup.reported"))
    assert not interest.passes_over(batch("release.in_force", "case.event"))
    assert interest.passes_over(batch("rollup.reported"))


def test_after_so_many_entries_the_position_is_stored_though_none_concerned_the_follower() -> None:
    interest = of_cases()
    hundred = batch(*["rollup.reported"] * 100)
    for _ in range(PASSED_OVER_MAX // 100):
        assert interest.passes_over(hundred)
    assert not interest.passes_over(hundred)
    assert interest.passes_over(hundred)


def test_who_wants_all_of_them_passes_nothing_over() -> None:
    assert not Interest(all_of_them).passes_over(batch("rollup.reported"))
