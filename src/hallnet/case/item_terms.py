"""The terms in which the record of an item is kept, beside those that a case needs (`item.py`).

The numbers are those of the wire; where a standard has codes, they are its codes.
"""

from __future__ import annotations

from enum import IntEnum


class MaterialFormat(IntEnum):
    """纸质, 电子."""

    PAPER = 1
    FILE = 2
    EITHER = 3


class TrustLevel(IntEnum):
    """How far a material may be relied upon and reused: A to D of 国办函〔2016〕108号."""

    ISSUED = 1
    VERIFIED = 2
    UPLOADED = 3
    DECLARED = 4


class PowerSource(IntEnum):
    """权力来源."""

    OWN = 1
    DEVOLVED = 2
    AUTHORISED_FROM_ABOVE = 3
    AUTHORISED_BY_PEER = 4
    ENTRUSTED_FROM_ABOVE = 5
    ENTRUSTED_BY_PEER = 6


class AuthorityKind(IntEnum):
    """实施主体性质 (GB/T 39046-2020 appendix A)."""

    STATUTORY = 1
    AUTHORISED = 2
    ENTRUSTED = 3
    OTHER = 9


class ServedParty(IntEnum):
    """服务对象 (GB/T 39046-2020 appendix A)."""

    PERSON = 1
    ENTERPRISE = 2
    INSTITUTION = 3
    SOCIAL_ORGANISATION = 4
    ADMINISTRATION = 5
    OTHER = 6


class HandlingForm(IntEnum):
    """办理形式 (GB/T 39046-2020 appendix A)."""

    COUNTER = 1
    WEB = 2
    MOBILE = 3
    COURIER = 4
    OTHER = 9


class ResultKind(IntEnum):
    """结果类型."""

    CERTIFICATE = 1
    APPROVAL = 2
    OTHER = 9


class DisclosureSet(IntEnum):
    """五公开: 内容、程序、材料、时限、收费. 八公开: the same and 依据、示范文本、结果."""

    FIVE = 1
    EIGHT = 2
