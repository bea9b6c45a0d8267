"""Applications as they come over the wire, from a window or from a device, and the items they are for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from hallnet.case.case import Case
from hallnet.case.catalogue import accepts_here
from hallnet.case.event import Channel
from hallnet.case.fact import Renewal
from hallnet.case.item import ItemVersion
from hallnet.case.person import PERSON, Material
from hallnet.codec import Codec
from hallnet.codec.moments import from_timestamp
from hallnet.intake import handling
from hallnet.intake.asked import require_choices
from hallnet.intake.context import Hall
from hallnet.intake.handling import Numbered
from hallnet.places import Village
from hallnet.store import Connection
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

_RENEWAL: Codec[Renewal] = Codec(Renewal, wire_fact.Renewal)


@dataclass(frozen=True, slots=True)
class Application:
    """A request of which place and channel were read; the rest is read when it is filed."""

    request: wire.FileCaseRequest
    channel: Channel
    intake_point: Village | None

    def file(
        self,
        connection: Connection,
        hall: Hall,
        case_id: str,
        actor_id: str,
        now: datetime,
        numbered: Numbered | None = None,
    ) -> Case:
        """Raises MessageMalformed and what `handling.file` raises. A material that does not say when it was handed
        in is handed in now."""
        request = self.request
        return handling.file(
            connection,
            hall,
            case_id,
            actor_id,
            request.item_id,
            request.option,
            PERSON.from_message(request.applicant),
            self.channel,
            self.intake_point,
            request.for_division,
            [_material(item, now) for item in request.materials],
            request.mandate_id,
            now,
            request.for_prereview,
            numbered,
            _RENEWAL.from_message(request.renews) if request.HasField("renews") else None,
        )


def read_application(request: wire.FileCaseRequest) -> Application:
    """Raises VillageMalformed, ChoiceMissing."""
    point = request.intake_point
    village = Village.parse(point, "intake_point") if point else None
    require_choices(request, "channel")
    return Application(request, Channel(request.channel), village)


def items_to_file(
    connection: Connection,
    hall: Hall,
    day: date,
    search: str = "",
    accepted_here: bool = False,
    for_agents: bool = False,
) -> list[ItemVersion]:
    """Items in force on a day, those with a word in their names, and those for a window or an agent of the hall."""
    return [
        item
        for item in hall.releases.items_in_force(connection, day)
        if search in item.name
        and (not accepted_here or accepts_here(item, hall.address, hall.branch_field, False))
        and (
            not for_agents
            or (item.agent_allowed and accepts_here(item, hall.address, hall.branch_field, True))
        )
    ]


def _material(message: wire_person.Material, now: datetime) -> Material:
    submitted = from_timestamp(message.submitted_at) if message.HasField("submitted_at") else now
    return Material(
        message.name,
        message.digest,
        message.size,
        message.media_type,
        submitted,
        message.taken_from,
    )
