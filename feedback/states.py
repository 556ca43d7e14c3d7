"""The life of a letter as data: which act leads from which state to which. No I/O."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from portal.access import Permission
from portal.errors import Conflict


class Status(enum.Enum):
    """Where a letter stands."""

    RECEIVED = "received"
    IN_PROGRESS = "in_progress"
    ANSWERED = "answered"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        return STATUS_LABELS[self]

    @property
    def is_open(self) -> bool:
        """Still waiting for the unit."""
        return self in OPEN


STATUS_LABELS = {
    Status.RECEIVED: "已受理",
    Status.IN_PROGRESS: "辦理中",
    Status.ANSWERED: "已答復",
    Status.CLOSED: "已結案",
}
OPEN = frozenset({Status.RECEIVED, Status.IN_PROGRESS})


class Act(enum.Enum):
    """What a person does to a letter."""

    CONFIRM_TOPIC = "confirm_topic"
    TRANSFER = "transfer"
    ASSIGN = "assign"
    REPLY = "reply"
    CLOSE = "close"


@dataclass(frozen=True)
class Transition:
    sources: frozenset[Status]
    target: Status | None
    permission: Permission


TRANSITIONS: dict[Act, Transition] = {
    Act.CONFIRM_TOPIC: Transition(OPEN, None, Permission.CASE_REPLY),
    Act.TRANSFER: Transition(OPEN, Status.RECEIVED, Permission.CASE_REPLY),
    Act.ASSIGN: Transition(OPEN, Status.IN_PROGRESS, Permission.CASE_ASSIGN),
    Act.REPLY: Transition(OPEN, Status.ANSWERED, Permission.CASE_REPLY),
    Act.CLOSE: Transition(frozenset({Status.ANSWERED}), Status.CLOSED, Permission.CASE_REPLY),
}


class NotAllowed(Conflict):
    """The letter is no longer in a state in which this can be done."""

    message = "這封信的狀態已經改變，現在不能做這個動作。請重新整理後再看。"


def move(status: Status, act: Act) -> Status:
    """The state after an act; NotAllowed when the act does not start from `status`."""
    transition = TRANSITIONS[act]
    if status not in transition.sources:
        raise NotAllowed
    return transition.target or status


def acts_from(status: Status) -> frozenset[Act]:
    """What may be done to a letter in this state."""
    return frozenset(act for act, transition in TRANSITIONS.items() if status in transition.sources)
