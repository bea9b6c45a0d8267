"""The overlays, each rendered once."""

from __future__ import annotations

import pytest
from tests.deploy.manifests import OVERLAYS, Hall, kubectl, rendered


def _rendered(overlay: str) -> Hall:
    if kubectl() is None:
        pytest.skip("no kubectl on the PATH: the overlays cannot be rendered")
    return rendered(overlay)


@pytest.fixture(params=OVERLAYS)
def hall(request: pytest.FixtureRequest) -> Hall:
    """Each overlay in turn."""
    return _rendered(request.param)


@pytest.fixture
def county() -> Hall:
    return _rendered("county")


@pytest.fixture
def township() -> Hall:
    return _rendered("township")
