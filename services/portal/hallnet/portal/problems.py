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
