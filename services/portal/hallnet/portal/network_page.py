"""The map of the network as this node sees it: its links, its journal, what is in force, incidents."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from hallnet.portal.site import Visit, glimpse
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_sync
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

INCIDENT_ROWS = 20
RELEASE_ROWS = 50


async def show(visit: Visit) -> Response:
    """One page; what a service does not say is left out with the reason."""
    desk = visit.desk
    (status, trouble), (incidents, _), (releases, releases_trouble) = await asyncio.gather(
        glimpse(desk.exchange.GetStatus(wire.GetStatusRequest())),
        glimpse(desk.exchange.ListIncidents(wire.ListIncidentsRequest(page_size=INCIDENT_ROWS))),
        glimpse(
            desk.branch_sync.ListReleases(wire_sync.ListReleasesRequest(page_size=RELEASE_ROWS))
        ),
    )
    links = list(status.links) if status is not None else []
    return visit.show(
        "network.html",
        status=status,
        trouble=trouble,
        parents=[link for link in links if link.role == wire.LINK_ROLE_PARENT],
        children=[link for link in links if link.role == wire.LINK_ROLE_CHILD],
        incidents=incidents.incidents if incidents is not None else [],
        releases=_standing(releases),
        releases_trouble=releases_trouble,
    )


def _standing(releases: wire_sync.ListReleasesResponse | None) -> list[wire_sync.ReleaseView]:
    """What is in force or waits for its date; what was refused is shown too, so that it is seen."""
    if releases is None:
        return []
    replaced = wire_sync.RELEASE_STANDING_REPLACED
    return [release for release in releases.releases if release.standing != replaced]
