"""Powers: what a member of staff may do (授权), as grants that are checked at every act."""

from __future__ import annotations

from enum import IntEnum


class Power(IntEnum):
    """The numbers are those of the wire."""

    RECEIVE = 1
    VERIFY = 2
    GATEKEEP = 3
    REVIEW = 4
    DECIDE_INSTANT = 5
    DECIDE = 6
    COORDINATE = 7
    SUPERVISE = 8
    HEAD = 9


NAMES = {
    Power.RECEIVE: "收件受理权",
    Power.VERIFY: "核实权",
    Power.GATEKEEP: "把关权",
    Power.REVIEW: "初审权",
    Power.DECIDE_INSTANT: "即办权",
    Power.DECIDE: "审批决定权",
    Power.COORDINATE: "协调权",
    Power.SUPERVISE: "督办权",
    Power.HEAD: "负责人批准权",
}
