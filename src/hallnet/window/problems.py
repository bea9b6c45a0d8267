"""What can be wrong with an act at or around a window."""

from hallnet.problems import Kind, Problem


class SlotMalformed(Problem):
    """A slot that nobody can come to."""

    kind = Kind.INVALID
    reason = "SLOT_MALFORMED"
    zh = "预约号源有误：{detail}"
    zh_remedy = "请核对日期、起止时间、间隔和每段容量"
    en = "The slots cannot be opened: {detail}"
    en_remedy = "Check day, beginning, end, length and capacity"


class SlotUnknown(Problem):
    """There is no such slot."""

    kind = Kind.NOT_FOUND
    reason = "SLOT_UNKNOWN"
    zh = "没有这个预约时段"
    zh_remedy = "请重新选择时段"
    en = "There is no such slot"
    en_remedy = "Choose one from the list"


class SlotFull(Problem):
    """All places of a slot are taken."""

    kind = Kind.EXHAUSTED
    reason = "SLOT_FULL"
    zh = "该时段已约满"
    zh_remedy = "请选择其他时段，或登记候补"
    en = "All places of the slot are taken"
    en_remedy = "Choose another slot, or wait for a place"


class SlotOver(Problem):
    """The slot has begun."""

    kind = Kind.CONFLICT
    reason = "SLOT_OVER"
    zh = "该时段已经开始，不能再预约或取消"
    zh_remedy = "请选择之后的时段；已到场的请直接取号"
    en = "The slot has begun: it can be neither booked nor given back"
    en_remedy = "Choose a later one; who is here takes a ticket"


class AlreadyBooked(Problem):
    """The same holder has an appointment on that day."""

    kind = Kind.CONFLICT
    reason = "ALREADY_BOOKED"
    zh = "当日在该窗口组已有预约"
    zh_remedy = "请先取消原预约，或按原预约到场"
    en = "There is an appointment on that day already"
    en_remedy = "Keep it, or cancel it first"


class AppointmentUnknown(Problem):
    """There is no such appointment."""

    kind = Kind.NOT_FOUND
    reason = "APPOINTMENT_UNKNOWN"
    zh = "没有这个预约"
    zh_remedy = "请核对预约编号"
    en = "There is no such appointment"
    en_remedy = "Check its number"


class StepNotPossible(Problem):
    """An act that does not follow from where things stand."""

    kind = Kind.CONFLICT
    reason = "STEP_NOT_POSSIBLE"
    zh = "当前为“{state}”，不能{act}"
    zh_remedy = "请刷新后按当前状态办理"
    en = "It stands at {state}: {act} is not possible"
    en_remedy = "Look again and act on how it stands now"


class QueueFull(Problem):
    """More people wait than can be served."""

    kind = Kind.EXHAUSTED
    reason = "QUEUE_FULL"
    zh = "等候人数已达上限{limit}，暂停取号"
    zh_remedy = "请预约其他时段，或请工作人员增开窗口"
    en = "{limit} people wait: no more tickets for now"
    en_remedy = "Book another time, or have more counters opened"


class WindowUnknown(Problem):
    """There is no such window."""

    kind = Kind.NOT_FOUND
    reason = "WINDOW_UNKNOWN"
    zh = "没有窗口“{window}”"
    zh_remedy = "请核对窗口编号，或先登记窗口"
    en = "There is no window {window}"
    en_remedy = "Check its name, or enter it first"


class TicketMalformed(Problem):
    """A number is asked for too many items, or for one that has no name or twice."""

    kind = Kind.INVALID
    reason = "TICKET_MALFORMED"
    zh = "取号的事项有误：{detail}"
    zh_remedy = "请逐个填写不同的事项编码；事项多的请分次取号"
    en = "A number cannot be for these items: {detail}"
    en_remedy = "Name each item once, and take another number for more"


class WindowNotForThis(Problem):
    """The window is shut, or may not serve the item."""

    kind = Kind.CONFLICT
    reason = "WINDOW_NOT_FOR_THIS"
    zh = "窗口“{window}”未开放，或不办理该事项"
    zh_remedy = "请叫到能办理该事项的窗口"
    en = "The window {window} is shut or does not handle the item"
    en_remedy = "Choose a window that does"


class TicketUnknown(Problem):
    """There is no such ticket."""

    kind = Kind.NOT_FOUND
    reason = "TICKET_UNKNOWN"
    zh = "没有这个排队号"
    zh_remedy = "请核对号码和日期"
    en = "There is no such ticket"
    en_remedy = "Check its number and day"


class PriorityUnfounded(Problem):
    """A place in the priority lane without a ground."""

    kind = Kind.INVALID
    reason = "PRIORITY_UNFOUNDED"
    zh = "优先号没有说明优先理由"
    zh_remedy = "请选择老年人、残疾人、现役军人等优先情形"
    en = "A priority ticket without a ground"
    en_remedy = "Choose the ground: old age, disability, service in the forces"


class RecordUnknown(Problem):
    """There is no record of that number."""

    kind = Kind.NOT_FOUND
    reason = "WINDOW_RECORD_UNKNOWN"
    zh = "没有这条记录"
    zh_remedy = "请核对编号"
    en = "There is no such record"
    en_remedy = "Check its number"


class AlreadyRated(Problem):
    """A visit or a case was rated before."""

    kind = Kind.CONFLICT
    reason = "ALREADY_RATED"
    zh = "本次办理已经评价过"
    zh_remedy = "如需补充，请追加评价"
    en = "This visit has been rated"
    en_remedy = "Add to the rating instead"


class WordsMissing(Problem):
    """An act that needs a reason or a finding in words."""

    kind = Kind.INVALID
    reason = "WORDS_MISSING"
    zh = "缺少文字说明：{what}"
    zh_remedy = "请填写后再提交"
    en = "Words are missing: {what}"
    en_remedy = "Write them, then send it again"


class CodeUnknown(Problem):
    """A code that the table of the other side does not have."""

    kind = Kind.INVALID
    reason = "RATING_CODE_UNKNOWN"
    zh = "对照表“{table}”中没有代码{code}"
    zh_remedy = "请核对所用的代码表：国标表与接口表的满意度代码方向相反"
    en = "The table {table} has no code {code}"
    en_remedy = "Check which table is meant: they run in opposite directions"


class ScoreSheetMalformed(Problem):
    """Rules of a score sheet that do not make up its full score, or evidence without a rule."""

    kind = Kind.INVALID
    reason = "SCORE_SHEET_MALFORMED"
    zh = "考核表有误：{detail}"
    zh_remedy = "请核对考核细则、满分和证据"
    en = "The score sheet is not sound: {detail}"
    en_remedy = "Check its rules, its full score and its evidence"


class ScoreNotReproducible(Problem):
    """A claimed total that does not follow from the evidence."""

    kind = Kind.CONFLICT
    reason = "SCORE_NOT_REPRODUCIBLE"
    zh = "上报得分{claimed}与按证据计算的{computed}不符"
    zh_remedy = "请以证据重新计分，或补充证据"
    en = "The claimed score {claimed} is not what the evidence gives: {computed}"
    en_remedy = "Score it anew from the evidence, or add what is missing"


class IndicatorUnknown(Problem):
    """An indicator that the edition in force does not have, or one that is named twice."""

    kind = Kind.INVALID
    reason = "INDICATOR_UNKNOWN"
    zh = "评价指标{code}不在现行指标（{version}）中，或重复填写"
    zh_remedy = "请重新打开评价页面，按现行指标评价"
    en = "Indicator {code} is not of the edition {version}, or is there twice"
    en_remedy = "Open the form again and rate what it asks"


class RatingInvitationUnknown(Problem):
    """No invitation goes with this number and word; which of the two is wrong is not said."""

    kind = Kind.NOT_FOUND
    reason = "RATING_INVITATION_UNKNOWN"
    zh = "没有找到对应的评价邀请"
    zh_remedy = "请核对编号和评价码；办件尚未办结的，办结后再评"
    en = "No invitation goes with this number and word"
    en_remedy = "Check both; a case is rated once it is over"


class RatingInvitationOver(Problem):
    """The invitation is past its last day."""

    kind = Kind.CONFLICT
    reason = "RATING_INVITATION_OVER"
    zh = "评价邀请已于{day}到期"
    zh_remedy = "如仍有意见，请向大厅咨询投诉窗口反映"
    en = "The invitation ended on {day}"
    en_remedy = "Tell the hall's desk for complaints"


class NotOverYet(Problem):
    """A visit or a case that is still going on is not rated."""

    kind = Kind.CONFLICT
    reason = "NOT_OVER_YET"
    zh = "尚未办完，还不能邀请评价"
    zh_remedy = "请在本次接待结束或办件办结后再邀请"
    en = "It is not over yet"
    en_remedy = "Invite once the visit or the case is over"


class CopyNotMade(Problem):
    """A request for a copy is granted, and nobody has made the copy."""

    kind = Kind.CONFLICT
    reason = "COPY_NOT_MADE"
    zh = "尚未制作个人信息副本，不能答复已办理"
    zh_remedy = "请先制作副本并交给本人"
    en = "No copy was made yet: the request is not granted"
    en_remedy = "Make the copy and hand it over first"


class CorrectionNotMade(Problem):
    """A correction is granted, and the case was not corrected."""

    kind = Kind.CONFLICT
    reason = "CORRECTION_NOT_MADE"
    zh = "办件{case_no}在请求提出后没有更正记录"
    zh_remedy = (
        "请先在办件中办理更正；尚未决定的办件由申请人补正，认为信息无误的写明理由答复不予更正"
    )
    en = "Nothing was corrected in case {case_no} since the request"
    en_remedy = "Correct the case first, or refuse with reasons if it is right as it is"


class GroundNotOfLaw(Problem):
    """A request about personal information is refused on a ground that the law does not have for it."""

    kind = Kind.INVALID
    reason = "GROUND_NOT_OF_LAW"
    zh = "“{ground}”不是不予{right}的法定理由"
    zh_remedy = "请选择个人信息保护法对该项权利规定的理由；没有法定理由的应当办理"
    en = "The law does not have this ground ({ground}) for a refusal here ({right})"
    en_remedy = "Name a ground that the law has for it, or grant what is asked"


class NotErasable(Problem):
    """What a law has kept, or what is still needed, is not erased."""

    kind = Kind.CONFLICT
    reason = "NOT_ERASABLE"
    zh = "{what}不能删除：{why}"
    zh_remedy = "请以法定理由答复不予删除，并告知救济途径"
    en = "This is not erased ({what}): {why}"
    en_remedy = "Refuse with the ground of the law and the remedy"


class NotANaturalPerson(Problem):
    """Personal information is asked for in the name of an organisation."""

    kind = Kind.INVALID
    reason = "NOT_A_NATURAL_PERSON"
    zh = "单位的信息不是个人信息"
    zh_remedy = "请由自然人本人持身份证件提出；单位查询办件请凭办件编号和查询码"
    en = "What is kept of an organisation is not personal information"
    en_remedy = "A person asks with an identity document; an organisation looks up its cases by number and code"


class PaperNotToBeAsked(Problem):
    """A paper that no other hall is asked for."""

    kind = Kind.CONFLICT
    reason = "PAPER_NOT_TO_BE_ASKED"
    zh = "不能调取“{paper}”：{detail}"
    zh_remedy = "请核对事项所需的材料；本厅已有的直接沿用，应由申请人填写的请申请人提交"
    en = "The paper {paper} is not asked for: {detail}"
    en_remedy = "Look at what the item asks for; take what this hall has, and have the applicant write the rest"


class AskedBefore(Problem):
    """A paper that the same hall was asked for already."""

    kind = Kind.CONFLICT
    reason = "ASKED_BEFORE"
    zh = "已向该大厅申请调取“{paper}”，当前为“{state}”"
    zh_remedy = "请等待答复，或撤回后重新申请"
    en = "That hall was asked for the paper {paper} before: {state}"
    en_remedy = "Wait for its answer, or withdraw the request and ask anew"


class TermImpossible(Problem):
    """A term of use that is over or too long."""

    kind = Kind.INVALID
    reason = "TERM_IMPOSSIBLE"
    zh = "使用期限应在今天之后、{days}天之内"
    zh_remedy = "请按实际需要填写"
    en = "The term of use is not within {days} days from today"
    en_remedy = "Name the last day on which it is needed"


class ToldBefore(Problem):
    """What a request lacks is told once."""

    kind = Kind.CONFLICT
    reason = "TOLD_BEFORE"
    zh = "已一次性告知过需要补充的内容，不能再次告知"
    zh_remedy = "请同意提供，或说明理由不予提供"
    en = "What the request lacks was told once already"
    en_remedy = "Agree, or refuse with reasons"


class ExtensionImpossible(Problem):
    """An extension beyond what the law lets."""

    kind = Kind.INVALID
    reason = "EXTENSION_IMPOSSIBLE"
    zh = "答复期限只能延长一次，为1至{days}个工作日"
    zh_remedy = "请在原期限内答复，或核对天数"
    en = "The answer is put off once, by 1 to {days} working days"
    en_remedy = "Answer in time, or correct the number of days"


class PaperNotFound(Problem):
    """A paper that is not in the case that was chosen."""

    kind = Kind.NOT_FOUND
    reason = "PAPER_NOT_FOUND"
    zh = "办件“{case_no}”中没有可以提供的“{paper}”"
    zh_remedy = "请重新查询本厅已有的材料；在档案中的请上传并注明来源"
    en = "The case {case_no} has no {paper} to be supplied"
    en_remedy = (
        "Look again at what the hall has; upload what is in an archive and say where it is from"
    )
