"""What can be wrong with what a browser sends, before any service is asked."""

from hallnet.problems import Kind, Problem


class FormStale(Problem):
    """A form without the token of this session: it is old, or it came from elsewhere."""

    kind = Kind.DENIED
    reason = "FORM_STALE"
    zh = "页面已过期，本次提交没有生效"
    zh_remedy = "请返回上一页，刷新后重新提交"
    en = "The form is stale: nothing was done"
    en_remedy = "Go back, load the page again and send it again"


class FormMalformed(Problem):
    """A body that is no form."""

    kind = Kind.INVALID
    reason = "FORM_MALFORMED"
    zh = "提交的内容无法识别"
    zh_remedy = "请返回上一页，刷新后重新填写"
    en = "What was sent is no form of this site"
    en_remedy = "Go back, load the page again and fill it in again"


class FormTooLarge(Problem):
    """A body above the limit."""

    kind = Kind.EXHAUSTED
    reason = "FORM_TOO_LARGE"
    zh = "本次提交的内容合计超过{limit_mb}MB上限"
    zh_remedy = "请降低扫描分辨率后重试；材料较多时可先收件，其余以补正方式提交"
    en = "What was sent is larger than {limit_mb} MB"
    en_remedy = "Scan at a lower resolution, or file first and supplement the rest"


class PageNotForYou(Problem):
    """A page for other people than the one who is signed in."""

    kind = Kind.DENIED
    reason = "PAGE_NOT_FOR_YOU"
    zh = "此页面仅供{audience}使用"
    zh_remedy = "请从导航栏进入您可以使用的页面，或换用有权限的账号登录"
    en = "This page is for {audience}"
    en_remedy = "Use the pages in the navigation, or sign in with another account"


class PageUnknown(Problem):
    """There is no such page."""

    kind = Kind.NOT_FOUND
    reason = "PAGE_UNKNOWN"
    zh = "没有这个页面"
    zh_remedy = "请核对网址，或从首页进入"
    en = "There is no such page"
    en_remedy = "Check the address, or begin at the front page"


class PageFailed(Problem):
    """A fault of the portal itself."""

    kind = Kind.UNAVAILABLE
    reason = "PAGE_FAILED"
    zh = "页面出错，已记入本厅运行日志"
    zh_remedy = "请稍后重试；再次出现时请告知本厅运维人员"
    en = "The page failed; the log of the hall says why"
    en_remedy = "Try again later, and tell the operator of the hall if it goes on"


class DateMalformed(Problem):
    """A day that is none."""

    kind = Kind.INVALID
    reason = "DATE_MALFORMED"
    zh = "日期无效"
    zh_remedy = "请按“年-月-日”填写，例如2026-12-31"
    en = "The date is not valid"
    en_remedy = "Write it as YYYY-MM-DD"


class MandateEvidenceDiffers(Problem):
    """The evidence that was uploaded is not the one that the mandate file names."""

    kind = Kind.INVALID
    reason = "MANDATE_EVIDENCE_DIFFERS"
    zh = "上传的凭证与委托书文件中记载的不是同一份"
    zh_remedy = "请上传制作委托书文件时所用的原凭证文件"
    en = "The evidence is not the file that the mandate names"
    en_remedy = "Upload the very file with which the mandate was made"


class ItemNameUnclear(Problem):
    """A part of a name that fits no item, or several."""

    kind = Kind.INVALID
    reason = "ITEM_NAME_UNCLEAR"
    zh = "事项名称对应{count}个事项：{names}"
    zh_remedy = "请写出事项的全名，或写一个只有它才有的词"
    en = "The name fits {count} items: {names}"
    en_remedy = "Write the whole name, or a word that only it has"


class AmountMalformed(Problem):
    """Money that is none."""

    kind = Kind.INVALID
    reason = "AMOUNT_MALFORMED"
    zh = "金额“{text}”无效"
    zh_remedy = "请以元为单位填写，最多两位小数，例如1200.50"
    en = "The amount {text} is not valid"
    en_remedy = "Write yuan with at most two decimals, for example 1200.50"


class TimeMalformed(Problem):
    """A time of day that is none."""

    kind = Kind.INVALID
    reason = "TIME_MALFORMED"
    zh = "时间无效"
    zh_remedy = "请按“时:分”填写，例如09:00"
    en = "The time is not valid"
    en_remedy = "Write it as HH:MM"


class LineMalformed(Problem):
    """A line of a list with another number of parts than it needs."""

    kind = Kind.INVALID
    reason = "LINE_MALFORMED"
    zh = "第{number}行的内容不完整或多余"
    zh_remedy = "请按字段旁的说明逐行填写，各部分用空格隔开"
    en = "Line {number} has too few or too many parts"
    en_remedy = "Write each line as told beside the field, its parts apart by blanks"


class CaseNumberUnclear(Problem):
    """A case number of which there is no case here, or of which several begin so."""

    kind = Kind.NOT_FOUND
    reason = "CASE_NUMBER_UNCLEAR"
    zh = "本厅没有编号为“{number}”的办件"
    zh_remedy = "请写完整的办件编号"
    en = "No case here has the number {number}"
    en_remedy = "Write the whole number of the case"
