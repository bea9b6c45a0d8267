"""A hall that is gone for a while loses nothing, gets nothing twice, and hears the urgent first."""

from __future__ import annotations

import pytest

from hallnet.bench.outage import measure


@pytest.mark.parametrize("seconds", [10.0, 600.0])
def test_after_an_outage_of_any_length_everything_is_there_once(seconds: float) -> None:
    found = measure(seconds, 60)
    assert (found.sent, found.lost, found.doubled) == (60, 0, 0)
    assert found.waited == 48
    assert 0 < found.urgent_after <= found.all_after
