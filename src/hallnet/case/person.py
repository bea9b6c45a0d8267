"""People and papers: applicants, actors, materials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from hallnet.case import codes
from hallnet.case.code_problems import CodeCheckCharacter
from hallnet.case.problems import (
    DocumentKindUnknown,
    IdentityNumberCheckDigit,
    IdentityNumberMalformed,
    NameMissing,
    RepresentativeMissing,
)
from hallnet.codec import Codec
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.wire.case.v1 import person_pb2 as wire

RESIDENT_IDENTITY_CARD = "111"
CREDIT_CODE = "001"
"""What stands for an organisation (法人、非法人组织) in the place of an identity document: its unified social
credit code (GB 32100)."""
PERSONAL_DOCUMENTS = {
    RESIDENT_IDENTITY_CARD: "居民身份证",
    "113": "户口簿",
    "414": "普通护照",
    "511": "台湾居民来往大陆通行证",
    "516": "港澳居民来往内地通行证",
    "553": "外国人永久居留身份证",
}
"""Kinds of identity documents (GA/T 2000.156)."""
DOCUMENT_KINDS = {**PERSONAL_DOCUMENTS, CREDIT_CODE: "统一社会信用代码"}
"""By what an applicant is known."""


class ActorKind(IntEnum):
    """Who can act."""

    STAFF = 1
    AGENT = 2
    APPLICANT = 3
    SYSTEM = 4


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted, for the record."""

    kind: ActorKind
    actor_id: str
    name: str


SYSTEM = Actor(ActorKind.SYSTEM, "system", "系统")
"""Who acts when a rule does: by silence, by time, for the legs of a joint case."""


@dataclass(frozen=True, slots=True)
class Person:
    """An applicant or a client."""

    name: str
    document_kind: str
    document_number: str
    phone: str
    address: str
    representative: str = ""
    contact: str = ""

    @property
    def is_organisation(self) -> bool:
        return self.document_kind == CREDIT_CODE

    @property
    def masked_name(self) -> str:
        """The first character and stars; the name of an organisation is public."""
        if self.is_organisation:
            return self.name
        return masked(self.name)

    def is_same_as(self, other: Person) -> bool:
        """The same document names the same person."""
        return (self.document_kind, self.document_number) == (
            other.document_kind,
            other.document_number,
        )


PERSON: Codec[Person] = Codec(Person, wire.Person)


def masked(name: str) -> str:
    """The first character of a person's name, and stars."""
    return name[:1] + "*" * max(len(name) - 1, 1)


@dataclass(frozen=True, slots=True)
class Material:
    """A paper or file that was handed in, named by the digest of its bytes."""

    name: str
    digest: bytes
    size: int
    media_type: str
    submitted_at: datetime
    taken_from: str = ""
    """Number of the earlier case of the same applicant from which it is taken again, or of the request by which another
    hall supplied it."""
    supplied_by: Address | None = None
    """That hall."""


MATERIAL: Codec[Material] = Codec(Material, wire.Material)


def require_person(person: Person, where: str) -> None:
    """Check name and document.

    Raises NameMissing, DocumentKindUnknown, IdentityNumberMalformed, IdentityNumberCheckDigit; of an
    organisation RepresentativeMissing and what is wrong with its credit code.
    """
    if not person.name.strip():
        raise NameMissing(f"{where}.name")
    if person.document_kind not in DOCUMENT_KINDS:
        raise DocumentKindUnknown(f"{where}.document_kind", document_kind=person.document_kind[:8])
    if person.document_kind == RESIDENT_IDENTITY_CARD:
        require_identity_number(person.document_number, f"{where}.document_number")
    if person.is_organisation:
        codes.require_credit_code(person.document_number, f"{where}.document_number")
        if not person.representative.strip():
            raise RepresentativeMissing(f"{where}.representative")


def require_identity_number(number: str, where: str) -> None:
    """Check a resident identity number (GB 11643).

    The division in it may be an abolished one, so it is not looked up. Raises
    IdentityNumberMalformed or IdentityNumberCheckDigit.
    """
    try:
        codes.require_identity_number(number, where)
    except CodeCheckCharacter as problem:
        raise IdentityNumberCheckDigit(where) from problem
    except Problem as problem:
        raise IdentityNumberMalformed(where) from problem
