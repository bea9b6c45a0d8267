"""A hall narrows an item of a hall above it: shorter promise, fewer papers, its own places; never more.

The limits, the conditions, who decides and what is charged belong to the item. What comes out is an item
version of its own, which halls and cases use like any other; its number says which version it narrows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

from hallnet.case.catalogue import republished
from hallnet.case.item import Catalogue, Fee, ItemOverlay, ItemVersion, LocalAmount
from hallnet.case.item_problems import (
    ItemVersionChanged,
    OverlayBaseUnknown,
    OverlayMalformed,
    OverlayWidens,
)
from hallnet.case.limits import is_longer

Kind = TypeVar("Kind")

REVISIONS_MAX = 999
_PER_VERSION = REVISIONS_MAX + 1


def overlay_version(base_version: int, revision: int) -> int:
    """Number of the version that an overlay makes, for example 2001 for the first one on version 2."""
    return base_version * _PER_VERSION + revision


def merged(base: ItemVersion, overlay: ItemOverlay) -> ItemVersion:
    """The item as the place handles it; raises OverlayMalformed or OverlayWidens."""
    if not (0 < overlay.revision <= REVISIONS_MAX and overlay.base_version == base.version):
        raise OverlayMalformed("overlays.revision", item=overlay.item_id[:64], limit=REVISIONS_MAX)
    if base.base_version:
        raise OverlayWidens(
            "overlays.base_version", item=base.name, detail="不得在本地调整上再作调整"
        )
    _require_shorter(base, overlay)
    dropped = set(overlay.dropped_materials)
    unknown = dropped - {wanted.name for wanted in base.materials}
    if unknown:
        detail = f"事项本无材料“{min(unknown)}”"
        raise OverlayWidens("overlays.dropped_materials", item=base.name, detail=detail)
    if overlay.visits_saved > base.max_visits:
        detail = f"到现场次数只有{base.max_visits}次"
        raise OverlayWidens("overlays.visits_saved", item=base.name, detail=detail)
    materials = tuple(wanted for wanted in base.materials if wanted.name not in dropped)
    return replace(
        base,
        version=overlay_version(base.version, overlay.revision),
        base_version=base.version,
        promised_limit=overlay.promised_limit or base.promised_limit,
        materials=materials,
        needs_no_materials=base.needs_no_materials or not materials,
        max_visits=base.max_visits - overlay.visits_saved,
        places=overlay.places or base.places,
        enquiry_way=overlay.enquiry_way or base.enquiry_way,
        complaint_way=overlay.complaint_way or base.complaint_way,
        accepts_at=_and_more(base.accepts_at, overlay.also_accepts_at),
        handling_forms=_and_more(base.handling_forms, overlay.also_handled_by),
        fees=_with_amounts(base, overlay.local_amounts),
        effective_from=_latest(base.effective_from, overlay.effective_from),
        effective_until=_earliest(base.effective_until, overlay.effective_until),
    )


def expanded(catalogue: Catalogue, above: Iterable[ItemVersion]) -> Catalogue:
    """The catalogue with whole items in the stead of its overlays.

    `above` are the items of halls above. Raises OverlayBaseUnknown, OverlayMalformed, OverlayWidens.
    """
    if not catalogue.overlays:
        return catalogue
    bases = {(item.item_id, item.version): item for item in above}
    items: list[ItemVersion] = list(catalogue.items)
    for overlay in catalogue.overlays:
        base = bases.get((overlay.item_id, overlay.base_version))
        if base is None:
            raise OverlayBaseUnknown(
                "overlays.item_id", item=overlay.item_id[:64], version=overlay.base_version
            )
        items.append(merged(base, overlay))
    return replace(catalogue, items=tuple(items), overlays=())


def require_unchanged(items: Iterable[ItemVersion], published: Iterable[ItemVersion]) -> None:
    """A version that was published stays what it is, but for the shelf; raises ItemVersionChanged."""
    known = {(item.item_id, item.version): item for item in published}
    for item in items:
        before = known.get((item.item_id, item.version), item)
        if republished(before, item) != item:
            raise ItemVersionChanged("items", item=item.name, version=item.version)


def require_own(items: Iterable[ItemVersion], above: Iterable[ItemVersion]) -> None:
    """What a hall above lays down is not laid down anew below it, but narrowed at most; raises OverlayWidens."""
    theirs: dict[str, list[ItemVersion]] = {}
    for item in above:
        theirs.setdefault(item.item_id, []).append(item)
    for item in items:
        same = theirs.get(item.item_id, ())
        if same and not item.base_version and item not in same:
            detail = "该事项由上级规定，本级只能在其版本上作本地调整"
            raise OverlayWidens("items", item=item.name, detail=detail)


def require_narrower(items: Sequence[ItemVersion], above: Iterable[ItemVersion]) -> None:
    """Items that say they narrow one from above do: nothing but what an overlay may touch differs.

    Raises OverlayBaseUnknown or OverlayWidens.
    """
    bases = {(item.item_id, item.version): item for item in above}
    for item in items:
        if not item.base_version:
            continue
        base = bases.get((item.item_id, item.base_version))
        if base is None:
            raise OverlayBaseUnknown("items", item=item.item_id[:64], version=item.base_version)
        if merged(base, overlay_of(base, item)) != item:
            raise OverlayWidens("items", item=base.name, detail="改动了上级规定的内容")


def overlay_of(base: ItemVersion, item: ItemVersion) -> ItemOverlay:
    """The overlay that would make `item` of `base`, if there is one."""
    kept = {wanted.name for wanted in item.materials}
    amounts = tuple(
        LocalAmount(local.name, local.amount_fen, local.basis, local.permit)
        for local, fee in zip(item.fees, base.fees, strict=False)
        if local != fee
    )
    return ItemOverlay(
        item.item_id,
        item.base_version,
        item.version % _PER_VERSION,
        promised_limit=item.promised_limit if item.promised_limit != base.promised_limit else None,
        dropped_materials=tuple(
            wanted.name for wanted in base.materials if wanted.name not in kept
        ),
        visits_saved=max(0, base.max_visits - item.max_visits),
        places=item.places,
        enquiry_way=item.enquiry_way,
        complaint_way=item.complaint_way,
        also_accepts_at=tuple(x for x in item.accepts_at if x not in base.accepts_at),
        also_handled_by=tuple(x for x in item.handling_forms if x not in base.handling_forms),
        local_amounts=amounts,
        effective_from=item.effective_from,
        effective_until=item.effective_until,
    )


def _require_shorter(base: ItemVersion, overlay: ItemOverlay) -> None:
    promised = overlay.promised_limit
    allowed = base.promised_limit or base.statutory_limit or base.legal_cap
    if promised is not None and allowed is not None and is_longer(promised, allowed):
        detail = f"承诺时限{promised.days}长于上级的{allowed.days}"
        raise OverlayWidens("overlays.promised_limit", item=base.name, detail=detail)


def _with_amounts(base: ItemVersion, amounts: Sequence[LocalAmount]) -> tuple[Fee, ...]:
    left = {amount.fee: amount for amount in amounts}
    fees = []
    for fee in base.fees:
        amount = left.pop(fee.name, None)
        if amount is None:
            fees.append(fee)
            continue
        if not fee.amount_set_locally:
            detail = f"“{fee.name}”的金额不由本地确定"
            raise OverlayWidens("overlays.local_amounts", item=base.name, detail=detail)
        fees.append(
            replace(
                fee,
                amount_fen=amount.amount_fen,
                amount_set_locally=False,
                basis=amount.basis or fee.basis,
                permit=amount.permit or fee.permit,
            )
        )
    if left:
        detail = f"事项不收“{min(left)}”"
        raise OverlayWidens("overlays.local_amounts", item=base.name, detail=detail)
    return tuple(fees)


def _and_more(given: tuple[Kind, ...], more: tuple[Kind, ...]) -> tuple[Kind, ...]:
    return given + tuple(item for item in dict.fromkeys(more) if item not in given)


def _latest(one: date | None, other: date | None) -> date | None:
    return max((day for day in (one, other) if day), default=None)


def _earliest(one: date | None, other: date | None) -> date | None:
    return min((day for day in (one, other) if day), default=None)
