"""What can be wrong with items: their codes, their publication, what a hall makes of those above it."""

from hallnet.problems import Kind, Problem


class ItemCodeMalformed(Problem):
    """A code of the national catalogue that cannot be one."""

    kind = Kind.INVALID
    reason = "ITEM_CODE_MALFORMED"
    zh = "“{code}”不是有效的{kind_of_code}：{detail}"
    zh_remedy = "请对照省级事项目录核对编码"
    en = "{code} is no {kind_of_code}: {detail}"
    en_remedy = "Check the code against the catalogue of the province"


class CatalogueNotPublishable(Problem):
    """A catalogue with items that may not be published as they are."""

    kind = Kind.INVALID
    reason = "CATALOGUE_NOT_PUBLISHABLE"
    zh = "目录有{count}处不符合发布要求：{detail}"
    zh_remedy = "请逐条改正后再发布；hallnet item check可列出全部问题"
    en = "The catalogue breaks the rules of publication in {count} places: {detail}"
    en_remedy = "Mend them and publish again; hallnet item check lists them all"


class OverlayBaseUnknown(Problem):
    """An overlay on an item that no hall above published."""

    kind = Kind.NOT_FOUND
    reason = "OVERLAY_BASE_UNKNOWN"
    zh = "本地调整所依据的事项“{item}”第{version}版不在上级目录中"
    zh_remedy = "请核对事项标识和版本号，或等待上级目录生效"
    en = "No hall above has published version {version} of {item}, which the overlay narrows"
    en_remedy = "Check the item and its version, or wait until it is in force"


class OverlayMalformed(Problem):
    """An overlay without a usable number, or two of one number."""

    kind = Kind.INVALID
    reason = "OVERLAY_MALFORMED"
    zh = "事项“{item}”的本地调整编号无效或重复"
    zh_remedy = "依据版本应不小于1，调整编号应为1至{limit}，且每次调整递增"
    en = "The overlay on {item} has no usable number, or a number twice"
    en_remedy = "Name a version from 1 and a revision of 1 to {limit} that is not yet used"


class OverlayWidens(Problem):
    """An overlay that asks more of people, or promises less, than the item does."""

    kind = Kind.INVALID
    reason = "OVERLAY_WIDENS"
    zh = "事项“{item}”的本地调整超出上级规定：{detail}"
    zh_remedy = "本地只能压缩承诺时限、减少材料和跑动次数、增加受理地点和办理形式、填写本地信息"
    en = "The overlay on {item} goes beyond what was laid down above: {detail}"
    en_remedy = "A place may promise less time, ask for less, open more ways, and fill in its own particulars"


class ItemVersionChanged(Problem):
    """A version of an item is published a second time with other content."""

    kind = Kind.CONFLICT
    reason = "ITEM_VERSION_CHANGED"
    zh = "事项“{item}”第{version}版已经发布，内容不能再改"
    zh_remedy = "在办件沿用其受理时的版本；请以新的版本号发布改动"
    en = "Version {version} of {item} is published and cannot change any more"
    en_remedy = "Running cases keep their version: publish the change under a new number"
