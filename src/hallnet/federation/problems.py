"""Why a hall does not take what came over a link."""

from hallnet.problems import Kind, Problem
from hallnet.trust.problems import NotAuthentic


class WrongLink(NotAuthentic):
    """A child spoke for an address outside its area, or the parent for one inside ours."""

    reason = "WRONG_LINK"
    zh = "来自{neighbour}的链路上出现了以{claimed}名义的信封"
    zh_remedy = "已拒收并留存证据，请核查该大厅"
    en = "An envelope in the name of {claimed} came over the link of {neighbour}"
    en_remedy = "It was refused and kept as evidence: look into that hall"


class EnvelopeIdReused(NotAuthentic):
    """An identifier that is known, with other content."""

    reason = "ENVELOPE_ID_REUSED"
    zh = "信封编号与已收到的另一信封相同而内容不同"
    zh_remedy = "已拒收并留存证据，请核查发送方"
    en = "An envelope bears the identifier of another one with other content"
    en_remedy = "It was refused and kept as evidence: look into the sender"


class TooLarge(NotAuthentic):
    """Something exceeds a bound of the network."""

    reason = "TOO_LARGE"
    zh = "{what}超过{limit}字节的上限"
    zh_remedy = "请拆分内容，或作为材料附件传送"
    en = "The {what} is larger than {limit} bytes"
    en_remedy = "Split it, or send it as an attachment"


class EnvelopeExpired(Problem):
    """It came after its end."""

    kind = Kind.INVALID
    reason = "ENVELOPE_EXPIRED"
    zh = "信封已于{expired_at}失效"
    zh_remedy = "请发送方核对后重新办理"
    en = "The envelope expired at {expired_at}"
    en_remedy = "Have the sender look at the matter and send it anew"


class TooManyHops(Problem):
    """It passed more halls than it may."""

    kind = Kind.INVALID
    reason = "TOO_MANY_HOPS"
    zh = "信封经转次数超过上限"
    zh_remedy = "请检查沿途大厅的上下级关系"
    en = "The envelope passed more halls than it may"
    en_remedy = "Check the parents of the halls on its way"


class RecipientUnknown(Problem):
    """There is no hall of that address in the network."""

    kind = Kind.NOT_FOUND
    reason = "RECIPIENT_UNKNOWN"
    zh = "网络中没有{recipient}大厅"
    zh_remedy = "请核对收件大厅的区划代码，或等待该大厅加入网络"
    en = "There is no hall {recipient} in the network"
    en_remedy = "Check the division code, or wait until that hall has joined"


class ClockAhead(Problem):
    """The sender's clock runs too far ahead."""

    kind = Kind.INVALID
    reason = "CLOCK_AHEAD"
    zh = "发送方时钟比本厅快{seconds}秒"
    zh_remedy = "请发送方校准时钟后重新发送"
    en = "The sender's clock is {seconds} seconds ahead of ours"
    en_remedy = "Have the sender set its clock and send it again"


class ClocksApart(Problem):
    """The clocks of two neighbours are too far apart; recorded as an incident, never raised."""

    kind = Kind.CONFLICT
    reason = "CLOCKS_APART"
    zh = "{neighbour}与本厅的时钟相差超过5分钟"
    zh_remedy = "请两厅核对授时（NTP）；校准之前，时钟偏快一方的信封会被拒收"
    en = "The clock of {neighbour} is more than 5 minutes away from ours"
    en_remedy = "Check the time source of both; until then envelopes of the faster one are refused"


class SealedToUnknownKey(Problem):
    """A body that is sealed to a key which this hall does not hold."""

    kind = Kind.CONFLICT
    reason = "SEALED_TO_UNKNOWN_KEY"
    zh = "信封封装给了本厅没有的密钥，无法拆封"
    zh_remedy = "请对方取得本厅的新证书后重新发送"
    en = "The envelope is sealed to a key that this hall does not hold"
    en_remedy = "Have it sent again, sealed to the newest certificate of this hall"


class AttachmentMalformed(Problem):
    """A piece of a material that cannot be one."""

    kind = Kind.INVALID
    reason = "ATTACHMENT_MALFORMED"
    zh = "材料分片有误（{detail}）"
    zh_remedy = "请发送方核对材料后重新发送"
    en = "A piece of a material is wrong ({detail})"
    en_remedy = "Have the sender look at the material and send it again"


class AttachmentSpoiled(Problem):
    """The bytes of a material do not have its digest."""

    kind = Kind.INVALID
    reason = "ATTACHMENT_SPOILED"
    zh = "收到的材料内容与其摘要不符"
    zh_remedy = "已丢弃并留存证据；请发送方核对后重新发送该材料"
    en = "The bytes of a material do not have its digest"
    en_remedy = (
        "They were dropped and it is on record: have the sender look at it and send it again"
    )


class AttachmentSizeWrong(Problem):
    """A material of this hall is shorter than the message says that names it."""

    kind = Kind.INVALID
    reason = "ATTACHMENT_SIZE_WRONG"
    zh = "本厅材料的长度与报文所述不符，无法传送"
    zh_remedy = "请重新上传该材料后再提交"
    en = "A material is shorter than the message says that names it: it cannot be sent"
    en_remedy = "Upload it again and hand it in anew"
