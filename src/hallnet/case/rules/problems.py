"""What can be wrong with an act of a case's life."""

from hallnet.problems import Kind, Problem


class GapsNotPromised(Problem):
    """Materials that may come later are missing, and nobody promised them."""

    kind = Kind.CONFLICT
    reason = "GAPS_NOT_PROMISED"
    zh = "缺少可容缺材料：{materials}"
    zh_remedy = "请申请人签署承诺后容缺受理，或出具一次性告知书"
    en = "Materials that may come later are missing: {materials}"
    en_remedy = "Accept with gaps on the applicant's signed promise, or give notice"


class GapsUnknown(Problem):
    """There is nothing that could be promised."""

    kind = Kind.CONFLICT
    reason = "GAPS_UNKNOWN"
    zh = "没有可容缺的材料"
    zh_remedy = "材料齐全的请直接受理"
    en = "There is nothing missing that may come later"
    en_remedy = "Accept the case as it is"


class GapsOpen(Problem):
    """Promised materials have not come."""

    kind = Kind.CONFLICT
    reason = "GAPS_OPEN"
    zh = "容缺材料尚未补齐：{materials}"
    zh_remedy = "请在补齐后作出决定；逾期未补的按告知的方式处理"
    en = "Promised materials have not come: {materials}"
    en_remedy = "Decide when they are there; if their time is over, do what the applicant was told"


class GapsNotDue(Problem):
    """The time for promised materials, or for a notice, is not over."""

    kind = Kind.CONFLICT
    reason = "GAPS_NOT_DUE"
    zh = "申请人补正的期限（{due_on}）未满"
    zh_remedy = "请待期满后再处理"
    en = "The applicant has until {due_on}"
    en_remedy = "Wait until then"


class CommitmentNotAllowed(Problem):
    """The item knows no promise in place of proofs."""

    kind = Kind.CONFLICT
    reason = "COMMITMENT_NOT_ALLOWED"
    zh = "“{item}”不适用告知承诺"
    zh_remedy = "请按一般程序提交材料"
    en = "A promise cannot stand for proofs with {item}"
    en_remedy = "Hand in the materials"


class CommitmentMissing(Problem):
    """There is no promise."""

    kind = Kind.CONFLICT
    reason = "COMMITMENT_MISSING"
    zh = "该办件没有有效的告知承诺"
    zh_remedy = "请核对办件记录"
    en = "The case has no promise in force"
    en_remedy = "Look at its history"


class PromiseUnsigned(Problem):
    """A promise without the signed paper."""

    kind = Kind.INVALID
    reason = "PROMISE_UNSIGNED"
    zh = "缺少申请人签署的承诺书"
    zh_remedy = "请上传申请人签字的承诺书"
    en = "The signed promise is missing"
    en_remedy = "Upload the paper that the applicant signed"


class ProcedureUnknown(Problem):
    """Neither the law nor the item knows the special procedure."""

    kind = Kind.INVALID
    reason = "PROCEDURE_UNKNOWN"
    zh = "“{item}”没有“{procedure}”这一特别程序"
    zh_remedy = "只有法律规定或事项清单列明的特别程序可以扣除时间（行政许可法第四十五条）"
    en = "{item} has no special procedure {procedure}"
    en_remedy = "Only those that the law or the item names stop the clock (行政许可法 article 45)"


class ProcedureTimeMissing(Problem):
    """A special procedure of which the applicant was not told how long it takes."""

    kind = Kind.INVALID
    reason = "PROCEDURE_TIME_MISSING"
    zh = "没有书面告知特别程序所需时间，不能扣除办理期限"
    zh_remedy = "请填写所需时间和原因（行政许可法第四十五条）"
    en = "The applicant must be told in writing how long it takes and why"
    en_remedy = "Give the time and the reason (行政许可法 article 45)"


class ProcedureTooLong(Problem):
    """Longer than the item allows."""

    kind = Kind.INVALID
    reason = "PROCEDURE_TOO_LONG"
    zh = "“{procedure}”最长{limit}日"
    zh_remedy = "请按事项清单列明的时间办理"
    en = "{procedure} may take {limit} days at most"
    en_remedy = "Keep to the time that the item gives"


class HearingTooSoon(Problem):
    """A hearing that is announced less than seven days before."""

    kind = Kind.INVALID
    reason = "HEARING_TOO_SOON"
    zh = "听证须提前7个工作日通知"
    zh_remedy = "请另定听证日期（行政许可法第四十八条）"
    en = "A hearing is announced at least seven working days before"
    en_remedy = "Choose a later day (行政许可法 article 48)"


class PresidingOfficerUnfit(Problem):
    """Nobody is named who presides over a hearing, or somebody who examined the application."""

    kind = Kind.INVALID
    reason = "PRESIDING_OFFICER_UNFIT"
    zh = "没有写明听证主持人，或者该人审查过本件申请，不能主持听证"
    zh_remedy = "请指定审查该申请的工作人员以外的人员主持（行政许可法第四十八条）"
    en = "Nobody is named who presides over the hearing, or somebody who examined this application"
    en_remedy = "Name somebody else than those who examined it (行政许可法 article 48)"


class RecordUnsigned(Problem):
    """A hearing ends with a record that those who took part have signed."""

    kind = Kind.INVALID
    reason = "RECORD_UNSIGNED"
    zh = "听证笔录还没有听证参加人签字或者盖章"
    zh_remedy = "请将笔录交听证参加人确认无误后签字或者盖章，再登记签字人（行政许可法第四十八条）"
    en = "Nobody who took part has signed the record of the hearing"
    en_remedy = "Have it confirmed and signed, and say by whom (行政许可法 article 48)"


class SurveyorsTooFew(Problem):
    """Fewer than two who check on site."""

    kind = Kind.INVALID
    reason = "SURVEYORS_TOO_FEW"
    zh = "现场核查须有两名以上持证工作人员"
    zh_remedy = "请填写至少两名不同人员及其执法证号（行政许可法第三十四条）"
    en = "A check on site needs two or more with a certificate of authority"
    en_remedy = "Name at least two different people (行政许可法 article 34)"


class DayImpossible(Problem):
    """A day that cannot be."""

    kind = Kind.INVALID
    reason = "DAY_IMPOSSIBLE"
    zh = "日期{day}不可能：早于收件或晚于今天"
    zh_remedy = "请核对日期"
    en = "The day {day} is before the application or after today"
    en_remedy = "Check the day"


class NotExtendable(Problem):
    """The limits cannot be made longer, or not by so much, or not again."""

    kind = Kind.CONFLICT
    reason = "NOT_EXTENDABLE"
    zh = "不能延期：{why}"
    zh_remedy = "延期须在期满前由负责人批准一次，并告知理由（行政许可法第四十二条）"
    en = "The limits cannot be extended: {why}"
    en_remedy = "Once, before they end, by the head, with reasons told (行政许可法 article 42)"


class SuccessorUnknown(Problem):
    """A case is to be handed to a hall that does not go on in the place of this one."""

    kind = Kind.DENIED
    reason = "SUCCESSOR_UNKNOWN"
    zh = "{successor}不是本厅的承接大厅"
    zh_remedy = "请由两厅共同的上级大厅先发出承接通知（hallnet hall transfer）"
    en = "{successor} does not go on in the place of this hall"
    en_remedy = "Have a hall above both order it first (hallnet hall transfer)"


class LegsOpen(Problem):
    """Legs of a joint case have not ended."""

    kind = Kind.CONFLICT
    reason = "LEGS_OPEN"
    zh = "尚有环节未办结：{bodies}"
    zh_remedy = "请待各环节办结；逾期环节可督办"
    en = "Legs have not ended: {bodies}"
    en_remedy = "Wait for them, and urge those that are late"


class LegsToAskAgain(Problem):
    """The refusal of a joint case was recalled, and the bodies were not asked again."""

    kind = Kind.CONFLICT
    reason = "LEGS_TO_ASK_AGAIN"
    zh = "联办件的不予许可决定已撤回，各环节原意见随之撤回，尚未重新征求意见"
    zh_remedy = "请重新开启联办环节，各环节办结后再作决定"
    en = "The refusal of the joint case was recalled, what its bodies had said was taken back with it, and they were not asked again"
    en_remedy = "Open the legs anew, and decide once they have ended"


class LegUnknown(Problem):
    """No such open leg."""

    kind = Kind.INVALID
    reason = "LEG_UNKNOWN"
    zh = "没有第{leg}个在办环节"
    zh_remedy = "请核对联办环节"
    en = "There is no open leg {leg}"
    en_remedy = "Look at the legs of the case"


class LegNotSilent(Problem):
    """A leg may not be taken to agree."""

    kind = Kind.CONFLICT
    reason = "LEG_NOT_SILENT"
    zh = "不能视为同意：{why}"
    zh_remedy = "只有本地规定允许且该环节逾期未答复时才视为同意"
    en = "The leg cannot be taken to agree: {why}"
    en_remedy = "Only where the policy says so and the leg is past its limit"


class NotJoint(Problem):
    """The item has no legs, or they are open already."""

    kind = Kind.CONFLICT
    reason = "NOT_JOINT"
    zh = "“{item}”没有可以开启的联办环节"
    zh_remedy = "请核对事项的联办设置；环节只开启一次"
    en = "{item} has no legs that could be opened"
    en_remedy = "Check the item; legs are opened once"


class BagNumberTaken(Problem):
    """A bag of that number was sent before."""

    kind = Kind.CONFLICT
    reason = "BAG_NUMBER_TAKEN"
    zh = "封袋编号“{bag}”已经用过"
    zh_remedy = "请使用新的封袋和编号"
    en = "The number {bag} was used before"
    en_remedy = "Take another bag"


class BagUnknown(Problem):
    """A bag of originals that is not on its way here."""

    kind = Kind.CONFLICT
    reason = "BAG_UNKNOWN"
    zh = "封袋“{bag}”不在途，或已经登记"
    zh_remedy = "请核对封袋编号"
    en = "The bag {bag} is not on its way here, or was entered already"
    en_remedy = "Check the number on the seal"


class OriginalsMissing(Problem):
    """A bag with nothing in it, or without a number."""

    kind = Kind.INVALID
    reason = "ORIGINALS_MISSING"
    zh = "没有填写封袋编号或原件清单"
    zh_remedy = "请逐件登记原件"
    en = "The number of the bag or the list of originals is missing"
    en_remedy = "List each original"


class RefusalNotReported(Problem):
    """A refusal is closed without a report of it."""

    kind = Kind.CONFLICT
    reason = "REFUSAL_NOT_REPORTED"
    zh = "不予许可的办件尚未报备"
    zh_remedy = "请先填写否定报备，再办结"
    en = "The refusal has not been reported"
    en_remedy = "Report it first, then close the case"


class OnePersonOnly(Problem):
    """The same person would check and decide."""

    kind = Kind.DENIED
    reason = "ONE_PERSON_ONLY"
    zh = "受理（审查）与决定不能由同一人办理"
    zh_remedy = "请由另一名有权限的人员决定（一审一核）"
    en = "Whoever accepted or examined a case does not decide it"
    en_remedy = "Have another person with the power decide it"


class EndNotAllowed(Problem):
    """A case cannot end in this manner."""

    kind = Kind.CONFLICT
    reason = "END_NOT_ALLOWED"
    zh = "不能以“{manner}”终结：{why}"
    zh_remedy = "请按告知申请人的方式处理"
    en = "The case cannot end as {manner}: {why}"
    en_remedy = "Do what the applicant was told"


class NothingCorrected(Problem):
    """A correction that changes nothing."""

    kind = Kind.INVALID
    reason = "NOTHING_CORRECTED"
    zh = "更正内容为空或前后相同"
    zh_remedy = "请填写更正的字段、更正前后内容和原因"
    en = "The correction changes nothing"
    en_remedy = "Give the field, what it was, what it is, and why"


class CheckPending(Problem):
    """A promise has not been checked yet."""

    kind = Kind.CONFLICT
    reason = "CHECK_PENDING"
    zh = "告知承诺尚未核查，不能归档"
    zh_remedy = "请先完成事后核查"
    en = "The promise has not been checked: the case cannot be archived"
    en_remedy = "Check it first"


class MandateChangeImpossible(Problem):
    """A permission cannot change so."""

    kind = Kind.CONFLICT
    reason = "MANDATE_CHANGE_IMPOSSIBLE"
    zh = "委托不能如此变更：{why}"
    zh_remedy = "已终止的委托须重新签署"
    en = "The permission cannot change so: {why}"
    en_remedy = "A permission that was revoked is signed anew"


class AlreadyRenewed(Problem):
    """A renewal is refused after the licence has ended: by then it counts as renewed."""

    kind = Kind.CONFLICT
    reason = "ALREADY_RENEWED"
    zh = "原许可已于{ended_on}期满，期满前未作决定，依法视为准予延续，不能再不予许可"
    zh_remedy = "系统将自动记为准予延续；延续不合法的，依照行政许可法第六十九条办理撤销"
    en = "The licence ended on {ended_on} without a decision: it counts as renewed and cannot be refused any more"
    en_remedy = (
        "The renewal is recorded by itself; if it must not stand, revoke it (行政许可法 article 69)"
    )


class NothingToDecide(Problem):
    """An item that is only filed knows no decision."""

    kind = Kind.CONFLICT
    reason = "NOTHING_TO_DECIDE"
    zh = "“{item}”是备案事项，不作准予或不予的决定"
    zh_remedy = "信息齐全的受理后直接办结；内容有误的告知申请人更正"
    en = "{item} is only filed: nothing is granted or refused"
    en_remedy = "Accept it once it is complete and close it; tell the applicant what to correct"


class NothingNeeded(Problem):
    """For the variant that was chosen nothing has to be applied for."""

    kind = Kind.CONFLICT
    reason = "NOTHING_NEEDED"
    zh = "“{item}”的“{option}”依法不需要办理，不予受理即可"
    zh_remedy = "请以“依法不需要取得许可”当场出具不予受理通知（行政许可法第三十二条第一款第一项）"
    en = "{option} of {item} needs no application"
    en_remedy = "Decline it at once, on the ground that nothing is needed"


class CreditNotRepaired(Problem):
    """A promise of the applicant was found broken, and the credit is not repaired."""

    kind = Kind.CONFLICT
    reason = "CREDIT_NOT_REPAIRED"
    zh = "该申请人{since}经核查承诺不实，信用尚未修复，不适用告知承诺和容缺受理"
    zh_remedy = "请按一般程序提交全部材料；信用修复后由核查的大厅登记"
    en = "A promise of the applicant was found broken on {since}, and the credit is not repaired"
    en_remedy = "Handle it the usual way, with all materials, or have the repair recorded first"


class ApplicantBarred(Problem):
    """The applicant deceived about the same licence before, and the time without a new application is not over."""

    kind = Kind.CONFLICT
    reason = "APPLICANT_BARRED"
    zh = "依照{article}，该申请人在{until}之前（含当日）不得再次申请“{item}”"
    zh_remedy = "请告知申请人可再次申请的日期；认定有误的，由作出认定的大厅负责人撤销限制后再申请"
    en = "Under {article} the applicant may not apply for {item} again up to and including {until}"
    en_remedy = "Tell the applicant from when he may; if it was found wrongly, the head of the hall that found it lifts the bar first"


class NoLicence(Problem):
    """Articles 78 and 79 are of licences alone."""

    kind = Kind.CONFLICT
    reason = "NO_LICENCE"
    zh = "“{item}”不是行政许可，不适用行政许可法第七十八条、第七十九条"
    zh_remedy = "请不勾选弄虚作假，在理由中写明事实和适用的法律依据"
    en = "{item} is no licence: 行政许可法 articles 78 and 79 do not apply"
    en_remedy = "Leave deceit out and give the facts and the law that applies as reasons and basis"


class DeceitGranted(Problem):
    """Who deceived is refused, not granted."""

    kind = Kind.CONFLICT
    reason = "DECEIT_GRANTED"
    zh = "认定申请人隐瞒情况或者提供虚假材料的，只能不予许可"
    zh_remedy = "请改为不予，或者不勾选弄虚作假（行政许可法第七十八条）"
    en = "An applicant who hid facts or gave false papers is not granted what he asks"
    en_remedy = "Refuse, or leave deceit out (行政许可法 article 78)"


class NothingOverdue(Problem):
    """There is no stamp without a reason."""

    kind = Kind.CONFLICT
    reason = "NOTHING_OVERDUE"
    zh = "该期限没有待说明原因的逾期记录"
    zh_remedy = "请选择已记录逾期且尚未说明原因的期限；已登记的原因和逾期记录都不能改"
    en = "There is no overdue stamp of that limit that lacks a reason"
    en_remedy = (
        "Choose a limit that is stamped and not explained; neither stamp nor reason is changed"
    )


class PartiesMissing(Problem):
    """Nobody is named who would be told, or too many."""

    kind = Kind.INVALID
    reason = "PARTIES_MISSING"
    zh = "请写明告知的利害关系人（1至{most}人）"
    zh_remedy = "请逐行填写姓名或名称"
    en = "Name those who are told (1 to {most})"
    en_remedy = "Give one name in each line"


class PartyUnknown(Problem):
    """Who is heard was never told."""

    kind = Kind.INVALID
    reason = "PARTY_UNKNOWN"
    zh = "此人没有被告知过"
    zh_remedy = "请按告知书上的姓名填写；没有告知过的，请先告知"
    en = "This person was never told"
    en_remedy = "Give the name as it stands in the paper; tell who was not told before"


class StillToBeHeard(Problem):
    """Somebody who was told has not been heard, and the time is not over (行政许可法 articles 36 and 47)."""

    kind = Kind.CONFLICT
    reason = "STILL_TO_BE_HEARD"
    zh = "已告知的利害关系人中还有{parties}人没有陈述意见，期限到{until}"
    zh_remedy = "请听取意见后，或者期满后再作出决定"
    en = "{parties} of those who were told have not been heard and may be until {until}"
    en_remedy = "Hear them, or wait until their time is over, before deciding"


class HearingAskedTooLate(Problem):
    """A hearing is asked for after five days, or by who was not told of it (行政许可法 article 47)."""

    kind = Kind.CONFLICT
    reason = "HEARING_ASKED_TOO_LATE"
    zh = "听证应在被告知听证权利之日起{days}个工作日内提出"
    zh_remedy = "请只登记其意见；确需听证的，由审查部门决定启动听证"
    en = "A hearing is asked for within {days} working days of having been told of it"
    en_remedy = "Record the statement only; where one is needed all the same, begin a hearing"


class HearingToBeHeld(Problem):
    """A hearing was asked for and not held (行政许可法 articles 47 and 48)."""

    kind = Kind.CONFLICT
    reason = "HEARING_TO_BE_HELD"
    zh = "有人要求听证，听证尚未举行"
    zh_remedy = "请启动并结束听证，再按听证笔录作出决定"
    en = "A hearing was asked for and has not been held"
    en_remedy = "Hold it, and decide on its record"
