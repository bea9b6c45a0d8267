"""What can be wrong with a fee."""

from hallnet.problems import Kind, Problem


class FeeWithoutBasis(Problem):
    """A fee that no rule allows (行政许可法 article 58)."""

    kind = Kind.DENIED
    reason = "FEE_WITHOUT_BASIS"
    zh = "“{fee}”缺少{missing}，不得收取"
    zh_remedy = "无收费依据、标准和许可（目录清单）的一律不收；请核对事项的收费信息"
    en = "The fee {fee} may not be taken: {missing} missing"
    en_remedy = "Take no fee without basis, standard and permit; check the fees of the item"


class FeeUnknown(Problem):
    """A fee that the item does not have."""

    kind = Kind.INVALID
    reason = "FEE_UNKNOWN"
    zh = "事项没有“{fee}”这项收费"
    zh_remedy = "请只收取办事指南列明的费用"
    en = "The item has no fee {fee}"
    en_remedy = "Charge only what the service guide lists"


class FeeAmountWrong(Problem):
    """An amount that is not what is owed."""

    kind = Kind.INVALID
    reason = "FEE_AMOUNT_WRONG"
    zh = "应收{owed}分，本次为{given}分"
    zh_remedy = "请按核定的总额一次收取，或按批准的分期计划收取"
    en = "{owed} fen are owed, {given} were given"
    en_remedy = "Collect the total at once, or the instalment that is due"


class FeeAlreadyCollected(Problem):
    """A fee is collected a second time."""

    kind = Kind.CONFLICT
    reason = "FEE_ALREADY_COLLECTED"
    zh = "费用已经收讫"
    zh_remedy = "同一办件只收一次费，请勿重复收取"
    en = "The fee has been collected"
    en_remedy = "Collect it once only"


class InstalmentsNotAllowed(Problem):
    """Instalments that the item does not allow or nobody has approved."""

    kind = Kind.DENIED
    reason = "INSTALMENTS_NOT_ALLOWED"
    zh = "不能分期付款：{detail}"
    zh_remedy = "请核对事项是否允许分期，并先完成审核、审批和书面承诺"
    en = "Instalments are not possible: {detail}"
    en_remedy = "Check whether the item allows them, and have them reviewed, approved and promised in writing"


class FeeOutstanding(Problem):
    """A result is to be issued before it is paid for."""

    kind = Kind.CONFLICT
    reason = "FEE_OUTSTANDING"
    zh = "尚有{owed}分未缴清，不能出件"
    zh_remedy = "请先收费；批准分期的，须已收首期并有书面承诺"
    en = "{owed} fen are outstanding: nothing may be issued"
    en_remedy = "Collect them; with approved instalments the first one and a signed promise"


class FeesNotAssessed(Problem):
    """A case of an item that costs something is to be closed, and nobody said what it costs or why nothing."""

    kind = Kind.CONFLICT
    reason = "FEES_NOT_ASSESSED"
    zh = "“{item}”列有收费，本件尚未核费，也没有写明不收的依据，不能办结"
    zh_remedy = "请先核费并收费；依法减免或者不应收取的，办结时写明不收费的理由和依据"
    en = "{item} has a fee that was not assessed for this case, and no reason says why nothing is charged"
    en_remedy = "Assess and collect it; where nothing is due say why, with the basis, when closing"


class PromiseNotSigned(Problem):
    """A result is to be issued on instalments without a signed promise."""

    kind = Kind.DENIED
    reason = "PROMISE_NOT_SIGNED"
    zh = "分期付款没有书面承诺，不能出件"
    zh_remedy = "请缴款人签署分期付款承诺书并上传"
    en = "There is no signed promise for the instalments: nothing may be issued"
    en_remedy = "Have the promise signed and upload it"


class FeeNotReducible(Problem):
    """Something is taken off a fee for which the item knows no reduction, or without saying why."""

    kind = Kind.DENIED
    reason = "FEE_NOT_REDUCIBLE"
    zh = "“{fee}”不能减免，或者没有说明减免原因"
    zh_remedy = "请核对事项的收费信息；可以减免的，请写明减免依据"
    en = "The fee {fee} knows no reduction, or no reason was given"
    en_remedy = "Check the fees of the item; where it may be reduced say on what basis"


class FeeNotOwed(Problem):
    """Money is taken for a case that ended without a result."""

    kind = Kind.CONFLICT
    reason = "FEE_NOT_OWED"
    zh = "办件已于{ended_on}终结且没有办理结果，不再收费"
    zh_remedy = "已经收取的费用请办理退费"
    en = "The case ended without a result on {ended_on}: nothing is owed"
    en_remedy = "Refund what was paid"


class FeeCollectedElsewhere(Problem):
    """A fee is assessed at another hall than the one where it is collected."""

    kind = Kind.CONFLICT
    reason = "FEE_COLLECTED_ELSEWHERE"
    zh = "本件由收件的大厅{hall}统一收费"
    zh_remedy = "为避免重复收费，只在收件并发放结果的大厅核定和收取"
    en = "The fees of this case are collected at {hall}, where it was filed"
    en_remedy = "Have them assessed and collected there: in one place, once"


class RefundNotPossible(Problem):
    """Money cannot go back as was asked."""

    kind = Kind.INVALID
    reason = "REFUND_NOT_POSSIBLE"
    zh = "不能退费：{detail}"
    zh_remedy = "请核对已收金额、单据号和退费原因"
    en = "The refund is not possible: {detail}"
    en_remedy = "Check what was paid, the number of the paper and the reason"
