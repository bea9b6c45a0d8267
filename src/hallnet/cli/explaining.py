"""What a verification means, for who has to rely on it: what was checked, what follows from it, on what that rests,
and what it does not show. In Chinese and in English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from hallnet.node.rootkeys import spoken
from hallnet.trust.certificate import Certificate


class Subject(Enum):
    """What was verified."""

    BUNDLE = "bundle"
    ARCHIVE = "archive"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sentences, in the order in which they are read."""

    zh: Sequence[str]
    en: Sequence[str]


_CHECKED = {
    Subject.BUNDLE: (
        "逐件核对：签名者的证书逐级通向根证书，且在其签署时有效；发出大厅签署的日志中确有该信封的登记；"
        "内容与登记的摘要一致；收件大厅的回执由其本厅签署。",
        "Checked for each exhibit: the signer's certificate leads step by step to the root and was valid when it "
        "signed; the envelope stands in the journal that the sending hall signed; its content is the one that was "
        "entered; the receipt is signed by the hall that gave it.",
    ),
    Subject.ARCHIVE: (
        "逐条核对：每条登记均通向该大厅签署的日志末尾；签名者的证书逐级通向根证书，且在其签署时有效。",
        "Checked for each entry: it leads to the end of the journal that the hall signed; the signer's certificate "
        "leads step by step to the root and was valid when it signed.",
    ),
    Subject.RECOVERY: (
        "逐条核对：找回的每条登记均在该大厅自己签署过的日志之中。",
        "Checked for each entry that came back: it stands in a journal that the hall itself had signed.",
    ),
}
_FOLLOWS = {
    Subject.BUNDLE: (
        "由此可以认定：标✓的各件由所列大厅签发，签发后未被改动；有回执的，收件大厅已收到并作出所列答复；"
        "有见证的，见证大厅在此之前已看到该登记。",
        "It follows: what is marked ✓ was issued by the hall named and not changed since; where there is a receipt, the "
        "recipient had it and answered as shown; where there is a witness, another hall had seen the entry.",
    ),
    Subject.ARCHIVE: (
        "由此可以认定：这些登记在签署之后未被更改、删除或插入；有见证的部分，该大厅自己也不能再改写。",
        "It follows: none of the entries was changed, removed or put in after the signature; as far as it was witnessed, not "
        "by the hall itself either.",
    ),
    Subject.RECOVERY: (
        "由此可以认定：找回的登记确为该大厅所作；列为缺失的，无从证明。",
        "It follows: what came back was entered by that hall; of what is missing nothing is proved.",
    ),
}
_NOT_SHOWN = {
    Subject.BUNDLE: (
        "不能由此认定：导出大厅是否交出了该件的全部信封；当事人所述是否属实。所列时刻是签名大厅的时钟。",
        "It does not show: whether the hall that exported this gave every envelope of the case; whether what people "
        "stated is true. The moments are by the clock of the hall that signed.",
    ),
    Subject.ARCHIVE: (
        "不能由此认定：此段之外的登记；封存内容的含义。所列时刻是签名大厅的时钟。",
        "It does not show: what stands outside this period; what was in sealed envelopes. The moments are by the clock "
        "of the hall that signed.",
    ),
    Subject.RECOVERY: (
        "不能由此认定：各大厅是否交出了所知的全部；答复情况仅为该大厅自述。",
        "It does not show: whether the halls gave back all that they have; who answered is told by the hall alone.",
    ),
}
_HOLDS = ("结论：全部证明成立。", "Conclusion: every proof holds.")
_DOES_NOT_HOLD = (
    "结论：标✗之处不成立，不得采信；其余标✓之处各自独立成立。请索取原件，并将本文件原样留存备查。",
    "Conclusion: what is marked ✗ does not hold and is not to be relied upon; what is marked ✓ holds by itself. Ask for "
    "the original, and keep this file as it is.",
)


def explained(subject: Subject, holds: bool, root: Certificate) -> Explanation:
    """The explanation of a verification under a root."""
    keepers = root.body.keepers
    held = (
        (
            f"（由{len(keepers)}位保管人持有，须{root.body.threshold}人签名）",
            f", held by {len(keepers)} keepers",
        )
        if keepers
        else ("", "")
    )
    rests = (
        f"前提：根证书“{root.body.name}”{held[0]}为真。请将其指纹与根密钥生成记录核对：{spoken(root)}",
        f"All of it rests on the root certificate “{root.body.name}”{held[1]}: compare its fingerprint with the record of "
        f"its ceremony: {spoken(root)}",
    )
    # Nothing follows from what does not hold.
    meaning = [_FOLLOWS[subject], _NOT_SHOWN[subject]] if holds else []
    parts = [_CHECKED[subject], *meaning, rests, _HOLDS if holds else _DOES_NOT_HOLD]
    return Explanation([zh for zh, _ in parts], [en for _, en in parts])
