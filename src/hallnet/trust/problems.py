"""Why something is not believed."""

from hallnet.problems import Kind, Problem


class NotAuthentic(Problem):
    """Base of what is dropped: it cannot be shown to come from whom it names."""

    kind = Kind.DENIED


class SuiteUnsupported(NotAuthentic):
    """The algorithms are not known to this edition, or not allowed in this network."""

    reason = "SUITE_UNSUPPORTED"
    zh = "密码套件{suite}不受支持"
    zh_remedy = "请与对方确认双方启用的套件，或升级本厅程序"
    en = "The cryptographic suite {suite} is not supported"
    en_remedy = "Agree with the other hall on a suite that both allow, or update this node"


class SuiteNotInstalled(SuiteUnsupported):
    """The algorithms are known, but the library that computes them is not on this machine."""

    reason = "SUITE_NOT_INSTALLED"
    zh = "本机未安装密码套件{suite}所需的程序库{package}"
    zh_remedy = "请按docs/operating.md安装该程序库后重新启动"
    en = (
        "The library {package} for the cryptographic suite {suite} is not installed on this machine"
    )
    en_remedy = "Install it as docs/operating.md says and start again"


class SuiteNotAllowed(NotAuthentic):
    """A statement was made in a suite that the network does not use, or does not use any more."""

    reason = "SUITE_NOT_ALLOWED"
    zh = "本网络不允许使用密码套件{suite}（允许：{allowed}）"
    zh_remedy = "请该厅以允许的套件申请证书；网络允许的套件由最高厅的信任数据规定"
    en = "The network does not allow the cryptographic suite {suite} (it allows {allowed})"
    en_remedy = "Have that hall ask for a certificate in a suite that the trust bundle allows"


class SuiteMismatched(NotAuthentic):
    """A statement names another suite than the one under which it was made."""

    reason = "SUITE_MISMATCHED"
    zh = "{what}声称使用密码套件{named}，实际使用{used}"
    zh_remedy = "内容可能被改动，请勿采信，并向上级大厅报告"
    en = "The {what} names the cryptographic suite {named}, but was made with {used}"
    en_remedy = "It may have been changed: do not rely on it, and report it"


class SignatureInvalid(NotAuthentic):
    """A signature does not fit its bytes and key."""

    reason = "SIGNATURE_INVALID"
    zh = "{what}的签名无效"
    zh_remedy = "内容可能被改动或出自他人之手，请勿采信，并向上级大厅报告"
    en = "The signature of the {what} is not valid"
    en_remedy = "It may have been changed or forged: do not rely on it, and report it"


class ProofInvalid(NotAuthentic):
    """An entry does not stand in the journal that is claimed for it."""

    reason = "PROOF_INVALID"
    zh = "{what}不在其声称的日志中"
    zh_remedy = "内容可能被改动，请勿采信，并向上级大厅报告"
    en = "The {what} does not stand in the journal that it names"
    en_remedy = "It may have been changed: do not rely on it, and report it"


class BodyDamaged(NotAuthentic):
    """The sealed body is not the one that the header names."""

    reason = "BODY_DAMAGED"
    zh = "封装内容与信封首部不符"
    zh_remedy = "传输中可能截断或改动，请对方重新发送"
    en = "The sealed body is not the one that the header names"
    en_remedy = "It was cut or changed on the way: have it sent again"


class CertificateUnknown(NotAuthentic):
    """The certificate of a signer, or one of its issuers, is not at hand."""

    reason = "CERTIFICATE_UNKNOWN"
    zh = "{subject}的证书或其签发者未知"
    zh_remedy = "请等待信任数据更新，或请对方随信附上完整证书链"
    en = "The certificate of {subject} or of its issuer is not known"
    en_remedy = "Wait for the next trust release, or have the whole chain sent along"


class IssuerNotAbove(NotAuthentic):
    """A certificate was issued by a hall that is not above its subject."""

    reason = "ISSUER_NOT_ABOVE"
    zh = "{issuer}无权为{subject}签发证书"
    zh_remedy = "证书只能由上级大厅按区划代码前缀签发，请向上级大厅报告"
    en = "{issuer} may not certify {subject}"
    en_remedy = "Only a hall above, whose division code is a prefix, certifies: report it"


class PermissionMissing(NotAuthentic):
    """A certificate is used for an act that it does not allow."""

    reason = "PERMISSION_MISSING"
    zh = "{subject}的证书不允许{permission}"
    zh_remedy = "请由签发该证书的上级大厅核对授权"
    en = "The certificate of {subject} does not allow {permission}"
    en_remedy = "Have the hall that issued it check what it is meant to allow"


class CertificateExpired(NotAuthentic):
    """A certificate was used after its end."""

    reason = "CERTIFICATE_EXPIRED"
    zh = "{subject}的证书已于{not_after}到期"
    zh_remedy = "请该厅向上级大厅申请换发证书"
    en = "The certificate of {subject} ended at {not_after}"
    en_remedy = "Have that hall ask its parent for a new one"


class CertificateNotYetValid(NotAuthentic):
    """A certificate was used before its beginning."""

    reason = "CERTIFICATE_NOT_YET_VALID"
    zh = "{subject}的证书自{not_before}起才有效"
    zh_remedy = "请核对双方时钟"
    en = "The certificate of {subject} is valid only from {not_before}"
    en_remedy = "Check the clocks of both halls"


class CertificateRevoked(NotAuthentic):
    """A certificate was ended before its time."""

    reason = "CERTIFICATE_REVOKED"
    zh = "{subject}的证书已被吊销"
    zh_remedy = "请勿采信其此后的签名；该厅需重新申请证书"
    en = "The certificate of {subject} is revoked"
    en_remedy = "Do not rely on what it signed since; that hall needs a new certificate"


class RootEnded(NotAuthentic):
    """Something that a root signed which another took over from, and that the statement of it does not keep."""

    reason = "ROOT_ENDED"
    zh = "{subject}由已终止的根{root}签署，且不在交接声明保留的范围内"
    zh_remedy = "请勿采信：终止后的根不能再签署任何内容，无论所写日期；请由现行根重新签发"
    en = "{subject} was signed by the root {root}, which has ended, and was not kept when another took over"
    en_remedy = (
        "Do not rely on it, whatever date it bears: have it issued by the root that took over"
    )


class SpeaksForAnother(NotAuthentic):
    """A node signed in the name of another address."""

    reason = "SPEAKS_FOR_ANOTHER"
    zh = "{signer}冒用{claimed}的名义"
    zh_remedy = "已拒收并留存证据，请向上级大厅报告"
    en = "{signer} speaks in the name of {claimed}"
    en_remedy = "It was refused and kept as evidence: report it"


class ContentNotAsCommitted(NotAuthentic):
    """What was in an envelope is not what its header commits to, or cannot be opened."""

    reason = "CONTENT_NOT_AS_COMMITTED"
    zh = "信封内容无法启封或与承诺摘要不符"
    zh_remedy = "请发送方核对收件方证书后重新封装"
    en = "The envelope cannot be opened, or its content is not what the header commits to"
    en_remedy = "Have the sender check the recipient's certificate and seal it anew"


class ReleaseOutdated(Problem):
    """A release is not newer than the one that is known."""

    kind = Kind.CONFLICT
    reason = "RELEASE_OUTDATED"
    zh = "{kind}第{version}版不新于已有的第{known}版"
    zh_remedy = "无需处理；如需恢复旧内容，请以更高版本号重新发布"
    en = "Version {version} of the {kind} is not newer than version {known}, which is known"
    en_remedy = "Nothing is to be done; to go back, publish the old content under a higher version"


class ReleaseLeaps(NotAuthentic):
    """A release whose version is further on than anybody can have missed."""

    reason = "RELEASE_LEAPS"
    zh = "{kind}第{version}版远远超出已有的第{known}版"
    zh_remedy = "已拒收：发布者的密钥可能被盗用，请立即核查并吊销"
    en = "Version {version} of the {kind} is too far beyond version {known}, which is known"
    en_remedy = "It was refused: the key of its author may be stolen, look into it and revoke it"


class ReleaseOutOfReach(NotAuthentic):
    """A release was signed by a hall that does not stand above this one."""

    reason = "RELEASE_OUT_OF_REACH"
    zh = "{author}不是本厅的上级，不能向本厅发布{kind}"
    zh_remedy = "已拒收，请向上级大厅报告"
    en = "{author} is not above this hall and cannot publish the {kind} to it"
    en_remedy = "It was refused: report it"


class BundleMalformed(Problem):
    """A file is no bundle."""

    kind = Kind.INVALID
    reason = "BUNDLE_MALFORMED"
    zh = "文件不是办件证据包"
    zh_remedy = "请选择由hallnet导出的.bundle文件"
    en = "The file is no case bundle"
    en_remedy = "Choose a .bundle file that hallnet exported"


class JournalDoubted(NotAuthentic):
    """The journal of a hall is not the one that was seen before; recorded as an incident, never raised."""

    reason = "JOURNAL_DOUBTED"
    zh = "{neighbour}的日志与此前所见不符"
    zh_remedy = "请立即与该厅核实，双方的日志首部已留存为证"
    en = "The journal of {neighbour} is not the one that was seen before"
    en_remedy = "Ask that hall at once; the heads of the journal are kept as evidence"


class NeighbourRewound(JournalDoubted):
    """A shorter journal, signed later."""

    reason = "NEIGHBOUR_REWOUND"
    zh = "{neighbour}的日志比此前所见的短：该厅可能恢复了旧备份，或有人删除了记录"
    en = "The journal of {neighbour} is shorter than it was: it was restored from an old backup, or cut"


class NeighbourForked(JournalDoubted):
    """A journal with another past."""

    reason = "NEIGHBOUR_FORKED"
    zh = "{neighbour}的日志与此前所见的历史不同：已有记录可能被改动"
    en = "The journal of {neighbour} has another past than before: entries may have been changed"


class NeighbourBegunAnew(JournalDoubted):
    """Another journal of the same hall."""

    reason = "NEIGHBOUR_BEGUN_ANEW"
    zh = "{neighbour}另起了一本日志"
    en = "{neighbour} has begun another journal"


class NeighbourRenumbered(JournalDoubted):
    """A hall that could not reach its parent went on under a new number of its journal; nothing is missing."""

    reason = "NEIGHBOUR_RENUMBERED"
    zh = "{neighbour}启动时联系不上其上级大厅，其日志以新编号续写，此前所见内容均在其中"
    zh_remedy = "无需处理"
    en = (
        "{neighbour} was started while it could not reach the hall above it: its journal goes on under a new "
        "number, with all that was seen of it"
    )
    en_remedy = "Nothing has to be done"


class NeighbourRestored(JournalDoubted):
    """A hall lost its records and went on from the end of its journal that others had seen."""

    reason = "NEIGHBOUR_RESTORED"
    zh = "{neighbour}的记录曾丢失，其日志已从相邻大厅所见的末尾续写"
    zh_remedy = "请与该厅核实丢失的内容，双方的日志首部已留存为证"
    en = "{neighbour} lost records, and its journal goes on from the end that others had seen"
    en_remedy = "Ask that hall what is lost; the heads of the journal are kept as evidence"


class NeighbourUnproved(JournalDoubted):
    """Longer journals for a long time, without the path from what was seen."""

    reason = "NEIGHBOUR_UNPROVED"
    zh = "{neighbour}长时间未能证明其日志延续了此前所见的内容"
    en = "{neighbour} has not proved for a long time that its journal goes on from what was seen"


class EntryContradicted(NotAuthentic):
    """Two entries that this hall signed claim the same place of its journal."""

    reason = "ENTRY_CONTRADICTED"
    zh = "本厅日志第{place}条此前已找回另一内容"
    zh_remedy = "已拒收并留存为证：本厅密钥可能被盗用，请立即核查"
    en = "Something else came back before for entry {place} of this hall's journal"
    en_remedy = (
        "It was refused and kept as evidence: the key of this hall may be stolen, look into it"
    )


class OwnJournalRenumbered(JournalDoubted):
    """This hall goes on without the word of its parent, under a new number of its journal."""

    reason = "OWN_JOURNAL_RENUMBERED"
    zh = "本厅（{neighbour}）启动后联系不上上级大厅，或者上级大厅自己丢失过记录，日志以新编号续写"
    zh_remedy = "请恢复与上级大厅的连接；若上级曾见过更多条目，届时将另行记录并请其补发"
    en = (
        "This hall ({neighbour}) was started and could not reach the hall above it, or that had lost records itself: "
        "its journal goes on under a new number"
    )
    en_remedy = (
        "Restore the link to the hall above; if that one had seen more, this will be recorded then, and it is "
        "asked to send again"
    )


class OwnJournalRewound(JournalDoubted):
    """A neighbour has seen entries that this hall signed and does not have."""

    reason = "OWN_JOURNAL_REWOUND"
    zh = "本厅的日志缺少{neighbour}曾见过的记录：本厅可能恢复了旧备份"
    zh_remedy = (
        "请运维人员用hallnet node status查看缺失的条目并报告；办理有关事项前先与对方大厅核对"
    )
    en = "This hall's journal lacks entries that {neighbour} has seen: it may be an old backup"
    en_remedy = (
        "Look at what is missing (hallnet node status) and report it; ask the other hall before acting on a "
        "case of those days"
    )
