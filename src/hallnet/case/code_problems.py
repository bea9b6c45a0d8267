"""What exactly is wrong with a code. No sentence repeats the code: it may name a person."""

from __future__ import annotations

from hallnet.problems import Kind, Problem


class CodeLength(Problem):
    """A code of another length than such codes have."""

    kind = Kind.INVALID
    reason = "CODE_LENGTH"
    zh = "共{found}位，应为{right}位"
    zh_remedy = "请对照原件核对是否漏录或多录"
    en = "It has {found} characters, not {right}"
    en_remedy = "Compare it with the document: something is missing or too much"


class CodeCharacter(Problem):
    """A character that cannot stand where it stands."""

    kind = Kind.INVALID
    reason = "CODE_CHARACTER"
    zh = "第{place}位的“{character}”不是该位置允许的字符"
    zh_remedy = "请用半角数字和大写字母录入，注意区分0与O、1与I、2与Z、5与S"
    en = "The character {character} cannot stand at place {place}"
    en_remedy = "Enter plain digits and capitals; 0 and O, 1 and I, 2 and Z, 5 and S look alike"


class CodeDate(Problem):
    """A date within a code that does not exist."""

    kind = Kind.INVALID
    reason = "CODE_DATE"
    zh = "第7至14位不是存在的日期"
    zh_remedy = "请对照原件核对出生年月日"
    en = "Places 7 to 14 are no date that exists"
    en_remedy = "Compare the date of birth with the document"


class CodePartUnknown(Problem):
    """A part of a code that stands for nothing."""

    kind = Kind.INVALID
    reason = "CODE_PART_UNKNOWN"
    zh = "{part}“{text}”无效"
    zh_remedy = "请对照原件核对该部分"
    en = "The part {part} cannot be “{text}”"
    en_remedy = "Compare that part with the document"


class CodeCheckCharacter(Problem):
    """A check character that does not follow from the others."""

    kind = Kind.INVALID
    reason = "CODE_CHECK_CHARACTER"
    zh = "第{place}位校验码为{found}，按其余各位应为{right}"
    zh_remedy = "至少有一位录错，请对照原件逐位核对"
    en = "The check character at place {place} is {found}; the others make it {right}"
    en_remedy = "At least one character is wrong: compare each with the document"
