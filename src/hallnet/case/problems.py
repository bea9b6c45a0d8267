"""What can be wrong with an application, a case or an act upon it."""

from hallnet.problems import Kind, Problem


class CatalogueMalformed(Problem):
    """A file is no catalogue."""

    kind = Kind.INVALID
    reason = "CATALOGUE_MALFORMED"
    zh = "事项目录文件有误：{detail}"
    zh_remedy = "请按docs/catalogue.md核对后重新导入"
    en = "The file is no catalogue: {detail}"
    en_remedy = "Check it against docs/catalogue.md and import it again"


class CalendarMalformed(Problem):
    """A file is no calendar of working days."""

    kind = Kind.INVALID
    reason = "CALENDAR_MALFORMED"
    zh = "工作日历文件有误：{detail}"
    zh_remedy = "请按docs/law.md核对年份和调休日期后重新导入"
    en = "The file is no calendar of working days: {detail}"
    en_remedy = "Check years and days against docs/law.md and import it again"


class TemplateMalformed(Problem):
    """A text that leaves out what the law wants in a paper, or that cannot be filled in."""

    kind = Kind.INVALID
    reason = "TEMPLATE_MALFORMED"
    zh = "文书文本{paper}有误：{detail}"
    zh_remedy = (
        "请以hallnet release templates --print输出的内置文本为准，保留全部花括号字段后重新发布"
    )
    en = "The text of {paper} cannot be used: {detail}"
    en_remedy = (
        "Begin with what hallnet release templates --print writes and keep every field in braces"
    )


class PolicyMalformed(Problem):
    """A file is no policy."""

    kind = Kind.INVALID
    reason = "POLICY_MALFORMED"
    zh = "地方规则文件有误：{detail}"
    zh_remedy = "请按docs/law.md核对后重新导入"
    en = "The file is no policy: {detail}"
    en_remedy = "Check it against docs/law.md and import it again"


class DayMalformed(Problem):
    """A text that is no day."""

    kind = Kind.INVALID
    reason = "DAY_MALFORMED"
    zh = "“{text}”不是日期"
    zh_remedy = "请按YYYY-MM-DD填写真实存在的日期"
    en = "{text} is no day"
    en_remedy = "Give a day that exists as YYYY-MM-DD"


class LimitTooLong(Problem):
    """A limit of more days than are ever counted."""

    kind = Kind.INVALID
    reason = "LIMIT_TOO_LONG"
    zh = "时限超过{limit}天，无法计算"
    zh_remedy = "请核对事项的时限"
    en = "A limit of more than {limit} days is not counted"
    en_remedy = "Check the limit of the item"


class OutOfScope(Problem):
    """An item cannot be applied for from so far."""

    kind = Kind.INVALID
    reason = "OUT_OF_SCOPE"
    zh = "“{item}”不能在本厅为{place}办理"
    zh_remedy = "请到该地大厅申请，或核对事项的通办范围"
    en = "{item} cannot be applied for here for {place}"
    en_remedy = "Apply there, or check the scope of the item"


class ItemUnknown(Problem):
    """There is no item of that name in the catalogue in force."""

    kind = Kind.NOT_FOUND
    reason = "ITEM_UNKNOWN"
    zh = "事项目录中没有“{item}”"
    zh_remedy = "请从本厅现行事项目录中选择"
    en = "There is no item {item} in the catalogue in force"
    en_remedy = "Choose from the catalogue of this hall"


class ItemNotInForce(Problem):
    """The item cannot be applied for today."""

    kind = Kind.CONFLICT
    reason = "ITEM_NOT_IN_FORCE"
    zh = "“{item}”当前不可申请（已下架或未到生效日期）"
    zh_remedy = "请核对现行目录；已办出的结果不受影响"
    en = "{item} cannot be applied for now: it is off the shelf or not yet in force"
    en_remedy = "Check the catalogue in force; earlier results remain valid"


class ItemNotAcceptedHere(Problem):
    """This place does not take the item in."""

    kind = Kind.INVALID
    reason = "ITEM_NOT_ACCEPTED_HERE"
    zh = "“{item}”不在此处受理"
    zh_remedy = "请到办事指南列明的受理地点办理"
    en = "{item} is not taken in at this place"
    en_remedy = "Go to a place that the service guide names"


class OptionUnknown(Problem):
    """The item has no such variant."""

    kind = Kind.INVALID
    reason = "OPTION_UNKNOWN"
    zh = "“{item}”没有“{option}”这一办理情形"
    zh_remedy = "请从该事项的办理情形中选择"
    en = "{item} has no variant {option}"
    en_remedy = "Choose one of the variants of the item"


class AgentNotAllowed(Problem):
    """The item must be applied for in person."""

    kind = Kind.DENIED
    reason = "AGENT_NOT_ALLOWED"
    zh = "“{item}”不能代办"
    zh_remedy = "请申请人本人办理"
    en = "{item} cannot be applied for through an agent"
    en_remedy = "The applicant has to come in person"


class PointNotYours(Problem):
    """An agent files at a place that is no village point of that agent."""

    kind = Kind.DENIED
    reason = "POINT_NOT_YOURS"
    zh = "该代办点不在您的代办范围内"
    zh_remedy = "请选择自己负责的村（社区）代办点"
    en = "The village point is not one of yours"
    en_remedy = "Choose a village point for which you are the agent"


class NameMissing(Problem):
    """A person without a name."""

    kind = Kind.INVALID
    reason = "NAME_MISSING"
    zh = "缺少姓名"
    zh_remedy = "请填写证件上的姓名"
    en = "The name is missing"
    en_remedy = "Give the name as it stands on the document"


class RepresentativeMissing(Problem):
    """An organisation without anybody who represents it."""

    kind = Kind.INVALID
    reason = "REPRESENTATIVE_MISSING"
    zh = "缺少法定代表人或者负责人"
    zh_remedy = "申请人为单位的，请填写营业执照等证照上的法定代表人或者负责人"
    en = "Who represents the organisation is missing"
    en_remedy = "Give the legal representative, or who answers for it, as on its certificate"


class ApplicantNotServed(Problem):
    """An item that is not for organisations."""

    kind = Kind.INVALID
    reason = "APPLICANT_NOT_SERVED"
    zh = "“{item}”只面向个人，单位不能申请"
    zh_remedy = "请核对事项的服务对象，或者以个人名义申请"
    en = "{item} is for persons only: an organisation cannot apply for it"
    en_remedy = "Look whom the item serves, or have a person apply"


class RenewalNotOfThis(Problem):
    """The renewal of what is no licence, or of a licence without a number."""

    kind = Kind.INVALID
    reason = "RENEWAL_NOT_OF_THIS"
    zh = "“{item}”不能按延续申请：只有行政许可可以延续，并须写明原许可证件的编号"
    zh_remedy = "请核对事项和原许可证件；不是延续的，不要填写原许可证件"
    en = "{item} cannot be filed as a renewal: only a licence is renewed, and its number has to be given"
    en_remedy = "Check the item and the licence; for a new application leave the licence out"


class DocumentKindUnknown(Problem):
    """A kind of identity document that is not known."""

    kind = Kind.INVALID
    reason = "DOCUMENT_KIND_UNKNOWN"
    zh = "证件类型“{document_kind}”无法识别"
    zh_remedy = "居民身份证填111，单位填001（统一社会信用代码），其他证件请查证件类型代码表"
    en = "The kind of document {document_kind} is not known"
    en_remedy = (
        "Give 111 for a resident identity card, 001 for an organisation, else look up its code"
    )


class IdentityNumberMalformed(Problem):
    """A resident identity number without 18 characters or with an impossible date."""

    kind = Kind.INVALID
    reason = "IDENTITY_NUMBER_MALFORMED"
    zh = "身份证号格式不符（应为18位，含有效出生日期）"
    zh_remedy = "请对照证件原件重新录入"
    en = "The identity number does not have 18 characters with a possible date of birth"
    en_remedy = "Enter it again from the document"


class IdentityNumberCheckDigit(Problem):
    """A resident identity number whose last character does not fit the others (GB 11643)."""

    kind = Kind.INVALID
    reason = "IDENTITY_NUMBER_CHECK_DIGIT"
    zh = "身份证号末位校验码不符，可能录错了一位"
    zh_remedy = "请对照证件原件重新录入18位号码"
    en = "The last character of the identity number does not fit the others: one may be wrong"
    en_remedy = "Enter all 18 characters again from the document"


class MandateUnreadable(Problem):
    """A file that is no mandate."""

    kind = Kind.INVALID
    reason = "MANDATE_UNREADABLE"
    zh = "该文件不是委托书：{detail}"
    zh_remedy = "请选择由hallnet填制的委托书文件，或重新登记委托"
    en = "The file is no mandate: {detail}"
    en_remedy = "Choose a mandate file that hallnet made, or record the mandate anew"


class MandateEvidenceMissing(Problem):
    """A mandate without anything that shows the client's will."""

    kind = Kind.INVALID
    reason = "MANDATE_EVIDENCE_MISSING"
    zh = "委托书缺少委托人签名、录音或照片等凭证"
    zh_remedy = "请上传凭证后再登记"
    en = "The mandate has no signature, recording or photo of the client"
    en_remedy = "Upload one, then record the mandate"


class MandateEvidenceUnusable(Problem):
    """Evidence that is neither picture, recording nor document."""

    kind = Kind.INVALID
    reason = "MANDATE_EVIDENCE_UNUSABLE"
    zh = "委托凭证不是可用的图片、录音或PDF文件"
    zh_remedy = "请重新拍照、录音或扫描后上传"
    en = "The evidence of the mandate is no picture, recording or PDF"
    en_remedy = "Take the picture or recording again and upload it"


class MandateMissing(Problem):
    """An agent files without a mandate."""

    kind = Kind.DENIED
    reason = "MANDATE_MISSING"
    zh = "代办申请没有委托书"
    zh_remedy = "请先登记委托人的委托"
    en = "An agent files without a mandate"
    en_remedy = "Record the client's mandate first"


class MandateNotForThis(Problem):
    """The mandate does not cover the act."""

    kind = Kind.DENIED
    reason = "MANDATE_NOT_FOR_THIS"
    zh = "委托书不包含本次办理（{what}）"
    zh_remedy = "请核对委托事项、权限、期限和受托人，必要时重新委托"
    en = "The mandate does not cover this ({what})"
    en_remedy = "Check its items, acts, term and agent, or have a new one given"


class MaterialUnknown(Problem):
    """A material that the item does not ask for."""

    kind = Kind.INVALID
    reason = "MATERIAL_UNKNOWN"
    zh = "“{item}”不收取材料“{material}”"
    zh_remedy = "请只提交办事指南列明的材料"
    en = "{item} does not ask for {material}"
    en_remedy = "Hand in only what the service guide lists"


class MaterialNotUploaded(Problem):
    """A material whose bytes this hall does not have."""

    kind = Kind.INVALID
    reason = "MATERIAL_NOT_UPLOADED"
    zh = "材料“{material}”尚未上传"
    zh_remedy = "请先上传材料文件，再提交"
    en = "The material {material} has not been uploaded"
    en_remedy = "Upload the file first"


class MaterialTooLarge(Problem):
    """A file above the limit."""

    kind = Kind.EXHAUSTED
    reason = "MATERIAL_TOO_LARGE"
    zh = "材料文件超过{limit_mb}MB上限"
    zh_remedy = "请降低扫描分辨率或分成几个文件上传"
    en = "The file is larger than {limit_mb} MB"
    en_remedy = "Scan it at a lower resolution, or split it into several files"


class MaterialEmpty(Problem):
    """A file without content."""

    kind = Kind.INVALID
    reason = "MATERIAL_EMPTY"
    zh = "材料文件是空的"
    zh_remedy = "请重新选择文件"
    en = "The file is empty"
    en_remedy = "Choose the file again"


class ActNotPossible(Problem):
    """The case is not in a stage for this act."""

    kind = Kind.CONFLICT
    reason = "ACT_NOT_POSSIBLE"
    zh = "办件处于“{stage}”，不能{act}"
    zh_remedy = "请刷新后查看当前可做的操作"
    en = "The case is {stage}: {act} is not possible"
    en_remedy = "Look at the case again to see what is possible now"


class NotTheCustodian(Problem):
    """Another hall answers for the case."""

    kind = Kind.CONFLICT
    reason = "NOT_THE_CUSTODIAN"
    zh = "办件现由{custodian}负责办理，本厅只可查看"
    zh_remedy = "如需办理，请联系该大厅"
    en = "The case is with {custodian}: this hall may only look at it"
    en_remedy = "Turn to that hall"


class CaseInTransit(Problem):
    """The case is on its way; nobody may decide it now."""

    kind = Kind.CONFLICT
    reason = "CASE_IN_TRANSIT"
    zh = "办件正在转往{to}，对方接收之前任何一方都不能办理"
    zh_remedy = "请等待对方接收或退回"
    en = "The case is on its way to {to}: until it is taken nobody may act on it"
    en_remedy = "Wait until it is taken or declined"


class PowerMissing(Problem):
    """The actor does not hold the power for this act."""

    kind = Kind.DENIED
    reason = "POWER_MISSING"
    zh = "您没有“{power}”，不能进行此操作"
    zh_remedy = "请由有权限的人员办理，或向窗口负责人申请授权"
    en = "You do not hold the power {power} that this needs"
    en_remedy = "Have somebody act who does, or ask for it"


class PowerLapsed(Problem):
    """The actor held the power for this act, and holds it no more."""

    kind = Kind.DENIED
    reason = "POWER_LAPSED"
    zh = "您的“{power}”自{since}起已失效，不能进行此操作（原由{given_by}授予）"
    zh_remedy = "请由{given_by}或持有“负责人批准权”的人员重新授权"
    en = "The power {power} that this needs was yours until {since} (given by {given_by})"
    en_remedy = "Ask {given_by}, or whoever else may give powers at this hall, to give it anew"


class GrantImpossible(Problem):
    """A power cannot be given or taken back like this."""

    kind = Kind.INVALID
    reason = "GRANT_IMPOSSIBLE"
    zh = "不能这样授权：{why}"
    zh_remedy = "请改正后再提交"
    en = "The power cannot be given or taken back like this: {why}"
    en_remedy = "Put it right and send it again"


class GrantUnknown(Problem):
    """There is no such grant that holds."""

    kind = Kind.NOT_FOUND
    reason = "GRANT_UNKNOWN"
    zh = "该账户没有第{number}号有效授权"
    zh_remedy = "请在授权清单中核对编号"
    en = "The account has no grant {number} that was not taken back"
    en_remedy = "Look up the number in the list of grants"


class AccountHasCases(Problem):
    """An account is to be closed whose owner answers for open cases."""

    kind = Kind.CONFLICT
    reason = "ACCOUNT_HAS_CASES"
    zh = "该账号仍是{count}件在办件的首问责任人，不能停用"
    zh_remedy = "请先由本人或有督办权的人员将这些办件转交他人"
    en = "The account answers for {count} open cases and cannot be closed"
    en_remedy = "First have them handed to somebody else, by the owner or by who supervises"


class ActorUnknown(Problem):
    """There is no such member of staff or agent at this hall."""

    kind = Kind.UNAUTHENTICATED
    reason = "ACTOR_UNKNOWN"
    zh = "本厅没有这个账号，或密码不符"
    zh_remedy = "请核对账号和密码"
    en = "There is no such account at this hall, or the password is wrong"
    en_remedy = "Check both"


class CaseUnknown(Problem):
    """This hall has no such case."""

    kind = Kind.NOT_FOUND
    reason = "CASE_UNKNOWN"
    zh = "本厅没有该办件"
    zh_remedy = "请核对办件编号（查询进度时还需核对查询码）"
    en = "This hall has no such case"
    en_remedy = "Check the number of the case, and the query code if you ask for progress"


class DefectsMissing(Problem):
    """A notice that names nothing."""

    kind = Kind.INVALID
    reason = "DEFECTS_MISSING"
    zh = "一次性告知书没有列出需要补正的内容"
    zh_remedy = "请列出全部缺项及补正办法"
    en = "The notice names nothing that is missing"
    en_remedy = "List all of it and what is to be done"


class DefectsIncomplete(Problem):
    """A notice that leaves out something that is plainly missing."""

    kind = Kind.INVALID
    reason = "DEFECTS_INCOMPLETE"
    zh = "一次性告知书漏列了缺少的材料：{materials}"
    zh_remedy = "行政许可法第三十二条要求一次告知全部内容，请补列"
    en = "The notice leaves out missing materials: {materials}"
    en_remedy = "All has to be told at once (行政许可法 article 32): add them"


class MaterialsMissing(Problem):
    """A case cannot be accepted while needed materials are missing."""

    kind = Kind.CONFLICT
    reason = "MATERIALS_MISSING"
    zh = "缺少必要材料：{materials}"
    zh_remedy = "请先出具一次性告知书，待申请人补正后受理"
    en = "Needed materials are missing: {materials}"
    en_remedy = "Give notice first, and accept when they have been handed in"


class NothingSupplemented(Problem):
    """A supplement without materials."""

    kind = Kind.INVALID
    reason = "NOTHING_SUPPLEMENTED"
    zh = "没有提交任何补正材料"
    zh_remedy = "请上传补正材料后再提交"
    en = "No material was handed in"
    en_remedy = "Upload what is missing first"


class ReasonsMissing(Problem):
    """A refusal, or another act to somebody's disadvantage, without reasons."""

    kind = Kind.INVALID
    reason = "REASONS_MISSING"
    zh = "缺少理由或法律依据"
    zh_remedy = "不利决定须写明理由、依据和救济途径（行政许可法第三十八条）"
    en = "Reasons or legal basis are missing"
    en_remedy = "A decision against the applicant needs both (行政许可法 article 38)"


class RightBodyMissing(Problem):
    """A case is declined for want of competence without naming who is competent."""

    kind = Kind.INVALID
    reason = "RIGHT_BODY_MISSING"
    zh = "不属于本机关职权的，须告知应向哪个机关申请"
    zh_remedy = "请填写有权机关名称（行政许可法第三十二条第二项）"
    en = "The body that is competent has to be named"
    en_remedy = "Name it (行政许可法 article 32(2))"


class NothingToHandOver(Problem):
    """This hall itself is competent."""

    kind = Kind.CONFLICT
    reason = "NOTHING_TO_HAND_OVER"
    zh = "本厅就是办理大厅，无需移交"
    zh_remedy = "请直接办理"
    en = "This hall is the competent one: there is nobody to hand the case to"
    en_remedy = "Decide it here"


class NotCompetent(Problem):
    """Another hall has to decide."""

    kind = Kind.DENIED
    reason = "NOT_COMPETENT"
    zh = "该办件应由{competent}决定"
    zh_remedy = "请初审后上报或转交该大厅"
    en = "The case is for {competent} to decide"
    en_remedy = "Hand it over to that hall"


class HistoryBroken(Problem):
    """Events that do not follow on what is known of a case."""

    kind = Kind.INVALID
    reason = "HISTORY_BROKEN"
    zh = "办件事件与已有记录不衔接（第{sequence}条）"
    zh_remedy = "已留存待核；请发出大厅重新传送完整记录"
    en = "The events do not follow on what is known of the case (number {sequence})"
    en_remedy = "They are set aside; have the other hall send the whole history again"


class EventOutOfTurn(Problem):
    """An event by a hall that had no say over the case at that point."""

    kind = Kind.DENIED
    reason = "EVENT_OUT_OF_TURN"
    zh = "{author}当时无权对该办件作出记录"
    zh_remedy = "已留存待核，请联系该大厅"
    en = "{author} had no say over the case at that point"
    en_remedy = "It is set aside: turn to that hall"


class ResultsSuspended(Problem):
    """Trust data are past their hard expiry: nothing is issued."""

    kind = Kind.UNAVAILABLE
    reason = "RESULTS_SUSPENDED"
    zh = "信任数据已于{expired_at}失效，暂停作出决定和交付结果"
    zh_remedy = "收件照常进行；请恢复与上级的连接以更新信任数据"
    en = "The trust data expired at {expired_at}: no result is issued for now"
    en_remedy = "Intake goes on; restore the link to the parent to renew the trust data"


class OwnerMissing(Problem):
    """Something that somebody has to own, and nobody does."""

    kind = Kind.INVALID
    reason = "OWNER_MISSING"
    zh = "必须有负责人，不能无人负责"
    zh_remedy = "请指定首问负责人或接手人"
    en = "It needs an owner: nothing is ever with nobody"
    en_remedy = "Name the first contact, or who takes over"


class NotYours(Problem):
    """Somebody acts in the place of who has to."""

    kind = Kind.DENIED
    reason = "NOT_YOURS"
    zh = "这一步不由您办理：{detail}"
    zh_remedy = "请由应办理的人员操作"
    en = "This is not for you to do: {detail}"
    en_remedy = "Leave it to the one who has to"


class HandOversTooMany(Problem):
    """It has been handed on so often that somebody has to deal with it."""

    kind = Kind.CONFLICT
    reason = "HAND_OVERS_TOO_MANY"
    zh = "已转交{limit}次，不能再转交"
    zh_remedy = "请现在的负责人办理，或由大厅负责人协调"
    en = "It was handed on {limit} times and is not handed on again"
    en_remedy = "Have its owner deal with it, or ask the head of the hall"
