"""What can be wrong with a place."""

from hallnet.problems import Kind, Problem


class AddressMalformed(Problem):
    """The text is no address of a hall."""

    kind = Kind.INVALID
    reason = "ADDRESS_MALFORMED"
    zh = "“{text}”不是大厅地址"
    zh_remedy = "请填写2、4、6或9位行政区划代码，分厅写作“代码-名称”，例如330110-shebao"
    en = "“{text}” is not the address of a hall"
    en_remedy = (
        "Give a division code of 2, 4, 6 or 9 digits, or for a branch hall code-name, "
        "for example 330110-shebao"
    )


class VillageMalformed(Problem):
    """The text is no village code."""

    kind = Kind.INVALID
    reason = "VILLAGE_MALFORMED"
    zh = "“{text}”不是村（社区）代码"
    zh_remedy = "请填写12位代码"
    en = "“{text}” is not the code of a village"
    en_remedy = "Give its 12 digits"


class DivisionUnknown(Problem):
    """The register of divisions has no such code."""

    kind = Kind.INVALID
    reason = "DIVISION_UNKNOWN"
    zh = "行政区划代码{code}不存在"
    zh_remedy = "请核对代码；新设或撤并的区划请先更新区划目录"
    en = "There is no division with the code {code}"
    en_remedy = "Check the code; a new or merged division needs an update of the register first"
