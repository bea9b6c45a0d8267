"""What can be wrong with a device that works offline, or with what it sends."""

from __future__ import annotations

from hallnet.problems import Kind, Problem


class DeviceUnknown(Problem):
    """No device has this id and this secret, or it was shut out."""

    kind = Kind.UNAUTHENTICATED
    reason = "DEVICE_UNKNOWN"
    zh = "本厅没有登记这台设备，或它已被停用"
    zh_remedy = (
        "设备上的内容没有被发送。请携设备到便民服务中心重新登记；若设备曾报失，请联系管理人员"
    )
    en = "The hall does not know this device, or it was shut out"
    en_remedy = "Nothing was taken from it. Enrol the device again at the hall; if it was reported lost, ask who is in charge"


class DeviceSecretUnusable(Problem):
    """A secret that is none."""

    kind = Kind.INVALID
    reason = "DEVICE_SECRET_UNUSABLE"
    zh = "设备密钥须为{bytes}字节的随机数"
    zh_remedy = "请由设备重新生成密钥后再登记"
    en = "The secret of a device has {bytes} random bytes"
    en_remedy = "Have the device make a new one and enrol it again"


class DeviceFull(Problem):
    """A bound of devices is reached."""

    kind = Kind.EXHAUSTED
    reason = "DEVICE_FULL"
    zh = "每个账号最多登记{devices}台设备，每台设备最多{accounts}个账号使用"
    zh_remedy = "请先停用不再使用的设备，或换一台设备"
    en = "An account has at most {devices} devices, and a device at most {accounts} accounts"
    en_remedy = "Shut out a device that is no longer used, or use another one"


class BatchTooLarge(Problem):
    """More items than are taken at once."""

    kind = Kind.EXHAUSTED
    reason = "BATCH_TOO_LARGE"
    zh = "一次最多发送{items}项、合计{kilobytes}KB"
    zh_remedy = "请分批发送，顺序不限"
    en = "At most {items} items and {kilobytes} KB are taken at once"
    en_remedy = "Send them in several batches, in any order"


class ItemIdUnusable(Problem):
    """A client id that is no UUID."""

    kind = Kind.INVALID
    reason = "ITEM_ID_UNUSABLE"
    zh = "事务编号不是UUID"
    zh_remedy = "请由设备为每项事务生成一个UUID，重发时沿用"
    en = "The id of the item is no UUID"
    en_remedy = "Give each item a UUID, and the same one when it is sent again"


class ItemIdReused(Problem):
    """The id belongs to an item with other content."""

    kind = Kind.CONFLICT
    reason = "ITEM_ID_REUSED"
    zh = "该编号已用于内容不同的另一项事务"
    zh_remedy = "请核对已发送的那一项；新的事务须使用新的编号"
    en = "The id belongs to another item with other content"
    en_remedy = "Look at the item that was sent; give a new id to what is new"


class ItemNotYours(Problem):
    """An item that was made for another account."""

    kind = Kind.DENIED
    reason = "ITEM_NOT_YOURS"
    zh = "这项事务是为另一个账号填制的"
    zh_remedy = "请由填制它的人员登录后发送"
    en = "The item was made for another account"
    en_remedy = "Have the person who made it sign in and send it"


class ItemsInACircle(Problem):
    """Items that wait for each other."""

    kind = Kind.INVALID
    reason = "ITEMS_IN_A_CIRCLE"
    zh = "这些事务互为前提，无法确定先后"
    zh_remedy = "请重新填制，并只以先办的事务为前提"
    en = "These items each wait for the other"
    en_remedy = "Make them anew; let each wait only for what comes before it"


class ItemUnreadable(Problem):
    """An item that this hall cannot read."""

    kind = Kind.INVALID
    reason = "ITEM_UNREADABLE"
    zh = "事务内容无法识读（{detail}），已留存待人工处理"
    zh_remedy = "请联系管理人员查看；若设备程序较新，可待本厅升级后放行，否则请作废后重新填制"
    en = "The item cannot be read ({detail}) and is kept for a person to look at"
    en_remedy = "If the device has newer software, release the item once the hall has it too; otherwise discard it and make it anew"


class ItemFailed(Problem):
    """An item over which the hall itself stumbled."""

    kind = Kind.INVALID
    reason = "ITEM_FAILED"
    zh = "办理这项事务时本厅系统出错，已留存待人工处理"
    zh_remedy = "请联系管理人员查看日志，处理后放行，或作废后重新填制"
    en = "The hall failed over this item, which is kept for a person to look at"
    en_remedy = (
        "Have the operator look at the log; then release the item, or discard it and make it anew"
    )


class ItemTooLarge(Problem):
    """An item of more bytes than are taken."""

    kind = Kind.INVALID
    reason = "ITEM_TOO_LARGE"
    zh = "单项事务超过{kilobytes}KB"
    zh_remedy = "材料请单独上传，事务中只写材料的摘要"
    en = "The item has more than {kilobytes} KB"
    en_remedy = "Upload materials apart and name them by their digests"


class ItemTimeUnusable(Problem):
    """An item that is too old, or from the future."""

    kind = Kind.CONFLICT
    reason = "ITEM_TIME_UNUSABLE"
    zh = "事务填制于{made_at}，已超过{days}天或晚于当前时间，已留存待人工处理"
    zh_remedy = "请核对设备时钟，并与村民确认后放行或作废"
    en = "The item was made at {made_at}, more than {days} days ago or in the future, and is kept for a person to look at"
    en_remedy = "Check the clock of the device, ask the villager, then release or discard the item"


class ParentNotDone(Problem):
    """What an item depends on was not done."""

    kind = Kind.CONFLICT
    reason = "PARENT_NOT_DONE"
    zh = "它所依赖的前一项事务没有办成，已留存待人工处理"
    zh_remedy = "请先处理前一项，再放行或作废这一项"
    en = "The item before it was not done, and this one is kept for a person to look at"
    en_remedy = "Settle the one before it, then release or discard this one"


class CaseWentOn(Problem):
    """Something happened to a case that the device did not know."""

    kind = Kind.CONFLICT
    reason = "CASE_WENT_ON"
    zh = "设备离线期间，该办件又发生了{count}项变化"
    zh_remedy = "请对照两边的内容，确认仍要办理后重新填制"
    en = "{count} things happened to the case that the device did not know"
    en_remedy = "Look at both sides; if it is still wanted, make the item anew"


class QueuedItemUnknown(Problem):
    """No item has this id."""

    kind = Kind.NOT_FOUND
    reason = "QUEUED_ITEM_UNKNOWN"
    zh = "没有这项事务"
    zh_remedy = "请刷新列表后重试"
    en = "There is no such item"
    en_remedy = "Look at the list again"


class ItemSettled(Problem):
    """An item with which there is nothing left to do."""

    kind = Kind.CONFLICT
    reason = "ITEM_SETTLED"
    zh = "这项事务已经办结或作废，不能再处理"
    zh_remedy = "请刷新列表查看结果"
    en = "The item is done or discarded: nothing more can be done with it"
    en_remedy = "Look at its result in the list"


class NumbersHeld(Problem):
    """More numbers than an account may hold."""

    kind = Kind.EXHAUSTED
    reason = "NUMBERS_HELD"
    zh = "每个账号最多同时预留{most}个编号，现已预留{held}个"
    zh_remedy = "请先退回不用的编号，或少取一些"
    en = "An account holds at most {most} numbers, and now {held}"
    en_remedy = "Give back what is not used, or take fewer"


class NumberNotReserved(Problem):
    """A number that this account may not use."""

    kind = Kind.CONFLICT
    reason = "NUMBER_NOT_RESERVED"
    zh = "编号{case_no}没有为该账号预留，或已使用、退回、过期"
    zh_remedy = "请以新的事务编号重新填制，不带预留编号，并把新的办件编号告知申请人"
    en = "The number {case_no} is not reserved for this account, or was used, given back or has expired"
    en_remedy = "Make the item anew without a reserved number, and tell the applicant the new one"


class UploadDiffers(Problem):
    """The bytes that came are not the material that was announced."""

    kind = Kind.INVALID
    reason = "UPLOAD_DIFFERS"
    zh = "收到的内容与材料摘要不符，已全部丢弃"
    zh_remedy = "请从头重新上传该材料"
    en = "What came is not the material that was announced; nothing of it is kept"
    en_remedy = "Upload the material again from the beginning"


class UploadsMany(Problem):
    """More uploads under way than an account may have."""

    kind = Kind.EXHAUSTED
    reason = "UPLOADS_MANY"
    zh = "该账号有{most}份材料尚未传完"
    zh_remedy = "请先传完其中一份；中断的上传在{days}天后清除"
    en = "The account has {most} uploads under way"
    en_remedy = "Finish one of them; what broke off is removed after {days} days"
