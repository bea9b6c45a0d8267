"""Files from a browser to the intake, and back into the form where something else was wrong with it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import msgspec
from starlette.datastructures import UploadFile

from hallnet.case.problems import MaterialEmpty, MaterialTooLarge
from hallnet.node.client import problems_raised
from hallnet.portal.forms import MEGABYTE, Troubles
from hallnet.portal.site import Visit
from hallnet.problems import Problem, Reported
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

MATERIAL_BYTES_MAX = 20 * MEGABYTE
PART_BYTES = 256 * 1024
UPLOAD_SECONDS = 60.0
FILE_NAME_CHARACTERS_MAX = 80
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,100}")
_UNKNOWN_TYPE = "application/octet-stream"
_PURPOSE = "upload"


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that the intake has; signed, it stays in a form that is shown again."""

    session_id: str
    name: str
    """The material that it is."""
    digest: bytes
    size: int
    media_type: str
    file_name: str

    def to_material(self) -> wire_person.Material:
        """Without a time: the intake says when it was handed in, and a request that is sent twice has
        the same bytes."""
        return wire_person.Material(
            name=self.name, digest=self.digest, size=self.size, media_type=self.media_type
        )


@dataclass(frozen=True, slots=True)
class Handed:
    """What was handed in with a form, by the name of the material, and what was wrong with files."""

    uploaded: dict[str, Uploaded]
    troubles: Troubles

    def materials(self) -> list[wire_person.Material]:
        return [item.to_material() for item in self.uploaded.values()]


NOTHING = Handed({}, {})


def file_field(name: str) -> str:
    """The file input of a material."""
    return f"material:{name}"


def kept_field(name: str) -> str:
    """The hidden input that keeps a material that was uploaded before."""
    return f"kept:{name}"


async def take_in(visit: Visit, names: Iterable[str]) -> Handed:
    """Upload the files of a form; those that were uploaded before are kept."""
    uploaded: dict[str, Uploaded] = {}
    troubles: Troubles = {}
    for name in names:
        kept = _kept(visit, name)
        if kept is not None:
            uploaded[name] = kept
        file = visit.form.files.get(file_field(name))
        if file is None:
            continue
        try:
            uploaded[name] = await _upload(visit, name, file)
        except (Problem, Reported) as refusal:
            troubles[file_field(name)] = refusal.in_chinese()
    return Handed(uploaded, troubles)


def keep(visit: Visit, uploaded: Uploaded) -> str:
    """The value of the hidden input."""
    return visit.site.sessions.seal.sign(_PURPOSE, msgspec.json.encode(uploaded))


def _kept(visit: Visit, name: str) -> Uploaded | None:
    raw = visit.site.sessions.seal.read(_PURPOSE, visit.form.text(kept_field(name)))
    if raw is None:
        return None
    kept = msgspec.json.decode(raw, type=Uploaded)
    return kept if (kept.session_id, kept.name) == (visit.session.session_id, name) else None


async def _upload(visit: Visit, name: str, file: UploadFile) -> Uploaded:
    """Raises MaterialEmpty, MaterialTooLarge or what the intake reports."""
    if not file.size:
        raise MaterialEmpty(file_field(name))
    if file.size > MATERIAL_BYTES_MAX:
        raise MaterialTooLarge(file_field(name), limit_mb=MATERIAL_BYTES_MAX // MEGABYTE)
    with problems_raised():
        response = await visit.desk.intake.UploadMaterial(
            _parts(visit, name, file), timeout=UPLOAD_SECONDS
        )
    material = response.material
    return Uploaded(
        visit.session.session_id,
        name,
        material.digest,
        material.size,
        material.media_type,
        (file.filename or "")[-FILE_NAME_CHARACTERS_MAX:],
    )


async def _parts(
    visit: Visit, name: str, file: UploadFile
) -> AsyncIterator[wire.UploadMaterialRequest]:
    declared = (file.content_type or "").partition(";")[0].strip().lower()
    media_type = declared if _MEDIA_TYPE.fullmatch(declared) else _UNKNOWN_TYPE
    act = wire.Act(request_id=visit.form.request_id, actor_id=visit.account.actor_id)
    description = wire.MaterialDescription(act=act, name=name, media_type=media_type)
    yield wire.UploadMaterialRequest(description=description)
    while part := await file.read(PART_BYTES):
        yield wire.UploadMaterialRequest(data=part)
