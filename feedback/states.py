"""The life of a letter as data: which act leads from which state to which, and who may do it. No I/O."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from portal.access import Permission
from portal.errors import Conflict


class Status(enum.Enum):
    """Where a letter stands.

    DRAFT and AWAITING_EMAIL come before registration: such letters have no number and are kept in tables
    of their own. All others are registered cases (要點第14點：不予處理的也要登記).
    """

    DRAFT = "draft"
    AWAITING_EMAIL = "awaiting_email"
    RECEIVED = "received"
    DISPATCHED = "dispatched"
    TRANSFERRING = "transferring"
    IN_PROGRESS = "in_progress"
    AWAITING_CITIZEN = "awaiting_citizen"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    ANSWERED = "answered"
    REOPENED = "reopened"
    CLOSED = "closed"
    DECLINED = "declined"
    REFERRED = "referred"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return STATUS_LABELS[self]

    @property
    def is_open(self) -> bool:
        """Registered and still waiting for the unit."""
        return self in OPEN


STATUS_LABELS = {
    Status.DRAFT: "草稿",
    Status.AWAITING_EMAIL: "待信箱確認",
    Status.RECEIVED: "已受理",
    Status.DISPATCHED: "已分文",
    Status.TRANSFERRING: "改分中",
    Status.IN_PROGRESS: "辦理中",
    Status.AWAITING_CITIZEN: "待補陳",
    Status.IN_REVIEW: "核判中",
    Status.APPROVED: "已核可待發文",
    Status.ANSWERED: "已答復",
    Status.REOPENED: "二次回復中",
    Status.CLOSED: "已結案",
    Status.DECLINED: "不予處理",
    Status.REFERRED: "已移轉他機關",
    Status.MERGED: "已併案",
    Status.WITHDRAWN: "已撤回",
}
UNREGISTERED = frozenset({Status.DRAFT, Status.AWAITING_EMAIL})
SORTABLE = frozenset({Status.RECEIVED, Status.DISPATCHED})
WORKABLE = SORTABLE | {Status.IN_PROGRESS}
OPEN = WORKABLE | {
    Status.TRANSFERRING,
    Status.AWAITING_CITIZEN,
    Status.IN_REVIEW,
    Status.APPROVED,
    Status.REOPENED,
}
REGISTERED = frozenset(Status) - UNREGISTERED
SETTLED = REGISTERED - OPEN


class Petition(enum.Enum):
    """The four kinds of petition (行政程序法 §168)."""

    SUGGESTION = "suggestion"
    INQUIRY = "inquiry"
    MISCONDUCT = "misconduct"
    RIGHTS = "rights"

    @property
    def label(self) -> str:
        return PETITION_LABELS[self]


PETITION_LABELS = {
    Petition.SUGGESTION: "行政興革之建議",
    Petition.INQUIRY: "行政法令之查詢",
    Petition.MISCONDUCT: "行政違失之舉發",
    Petition.RIGHTS: "行政上權益之維護",
}


class Ground(enum.Enum):
    """Why a petition need not be handled (行政程序法 §173). It stays registered all the same."""

    NO_SUBSTANCE = "1"
    REPEATED = "2"
    SENT_ELSEWHERE = "3"

    @property
    def label(self) -> str:
        return GROUND_LABELS[self]


GROUND_LABELS = {
    Ground.NO_SUBSTANCE: "無具體之內容或未具真實姓名或住址（第1款）",
    Ground.REPEATED: "同一事由，經予適當處理，並已明確答覆後，而仍一再陳情（第2款）",
    Ground.SENT_ELSEWHERE: "非主管陳情內容之機關，接獲陳情人以同一事由分向各機關陳情（第3款）",
}


class Party(enum.Enum):
    """Who does an act, as seen from the letter."""

    OWNER = "owner"  # somebody of the unit that has the letter
    SORTER = "sorter"  # the same, or the secretariat, which sorts every unit's letters
    DISPATCHER = "dispatcher"  # the secretariat
    RECEIVER = "receiver"  # somebody of the unit to which a transfer is proposed
    CONSULTED = "consulted"  # somebody of a co-handling unit
    CITIZEN = "citizen"  # who wrote it
    SYSTEM = "system"  # a job or the end of another act


class Act(enum.Enum):
    """What is done to a letter."""

    REGISTER = "register"
    CONFIRM_EMAIL = "confirm_email"
    CONFIRM_TOPIC = "confirm_topic"
    DECLINE_SUGGESTION = "decline_suggestion"
    SET_VOICE = "set_voice"
    JUDGE_URGENCY = "judge_urgency"
    DISPATCH = "dispatch"
    TRANSFER = "transfer"
    ACCEPT_TRANSFER = "accept_transfer"
    REFUSE_TRANSFER = "refuse_transfer"
    CANCEL_TRANSFER = "cancel_transfer"
    ASSIGN = "assign"
    CONSULT = "consult"
    DROP_CONSULTATION = "drop_consultation"
    GIVE_OPINION = "give_opinion"
    ASK_CITIZEN = "ask_citizen"
    SUPPLEMENT = "supplement"
    STOP_WAITING = "stop_waiting"
    INTERIM = "interim"
    EXTEND = "extend"
    SAVE_DRAFT = "save_draft"
    SUBMIT = "submit"
    RECALL = "recall"
    RETURN = "return"
    APPROVE = "approve"
    SEND = "send"
    REPLY = "reply"
    CLOSE = "close"
    REOPEN = "reopen"
    DECLINE = "decline"
    REFER = "refer"
    MERGE = "merge"
    SEPARATE = "separate"
    WITHDRAW = "withdraw"


@dataclass(frozen=True)
class Transition:
    """One act: who may do it, and the state it leads to from each state in which it can be done.

    `permission` is None for the citizen and for the system, who hold none. `again` says where an act leads
    once the letter has been answered before, where that differs.
    """

    party: Party
    permission: Permission | None
    moves: Mapping[Status, Status]
    again: Mapping[Status, Status] | None = None

    def leads(self, *, answered: bool) -> Mapping[Status, Status]:
        return self.again if answered and self.again is not None else self.moves


def _stay(*states: Status) -> dict[Status, Status]:
    return {state: state for state in states}


def _all_to(target: Status, *states: Status) -> dict[Status, Status]:
    return dict.fromkeys(states, target)


S = Status
REPLY = Permission.CASE_REPLY
ASSIGN, APPROVE = Permission.CASE_ASSIGN, Permission.CASE_APPROVE
_BEFORE_ANSWER = (*WORKABLE, S.TRANSFERRING, S.AWAITING_CITIZEN, S.IN_REVIEW, S.APPROVED)
_AT_WORK = (*WORKABLE, S.REOPENED)
_CONSULTABLE = (*_AT_WORK, S.TRANSFERRING, S.AWAITING_CITIZEN)

TRANSITIONS: dict[Act, Transition] = {
    Act.REGISTER: Transition(Party.OWNER, REPLY, {S.DRAFT: S.RECEIVED}),
    Act.CONFIRM_EMAIL: Transition(Party.CITIZEN, None, {S.AWAITING_EMAIL: S.RECEIVED}),
    Act.CONFIRM_TOPIC: Transition(
        Party.SORTER, REPLY, _all_to(S.DISPATCHED, *SORTABLE) | _stay(S.IN_PROGRESS)
    ),
    Act.DECLINE_SUGGESTION: Transition(Party.SORTER, REPLY, _stay(*SORTABLE)),
    Act.SET_VOICE: Transition(Party.SORTER, REPLY, _stay(*WORKABLE, S.AWAITING_CITIZEN)),
    Act.JUDGE_URGENCY: Transition(Party.SORTER, REPLY, _stay(*OPEN)),
    Act.DISPATCH: Transition(
        Party.DISPATCHER, Permission.CASE_DISPATCH, _all_to(S.DISPATCHED, *WORKABLE, S.TRANSFERRING)
    ),
    Act.TRANSFER: Transition(Party.OWNER, REPLY, _all_to(S.TRANSFERRING, *WORKABLE)),
    Act.ACCEPT_TRANSFER: Transition(Party.RECEIVER, REPLY, {S.TRANSFERRING: S.DISPATCHED}),
    Act.REFUSE_TRANSFER: Transition(Party.RECEIVER, REPLY, {S.TRANSFERRING: S.DISPATCHED}),
    Act.CANCEL_TRANSFER: Transition(Party.OWNER, REPLY, {S.TRANSFERRING: S.DISPATCHED}),
    Act.ASSIGN: Transition(
        Party.OWNER, ASSIGN, _all_to(S.IN_PROGRESS, *WORKABLE) | _stay(S.AWAITING_CITIZEN, S.REOPENED)
    ),
    Act.CONSULT: Transition(Party.OWNER, REPLY, _all_to(S.IN_PROGRESS, *WORKABLE) | _stay(S.REOPENED)),
    # An answer is not handed in while another unit is still asked.
    Act.DROP_CONSULTATION: Transition(Party.OWNER, REPLY, _stay(*_CONSULTABLE)),
    Act.GIVE_OPINION: Transition(Party.CONSULTED, REPLY, _stay(*_CONSULTABLE)),
    Act.ASK_CITIZEN: Transition(Party.OWNER, REPLY, _all_to(S.AWAITING_CITIZEN, *WORKABLE)),
    Act.SUPPLEMENT: Transition(
        Party.CITIZEN,
        None,
        {S.AWAITING_CITIZEN: S.IN_PROGRESS} | _stay(*_AT_WORK, S.TRANSFERRING, S.IN_REVIEW, S.APPROVED),
    ),
    Act.STOP_WAITING: Transition(Party.OWNER, REPLY, {S.AWAITING_CITIZEN: S.IN_PROGRESS}),
    Act.INTERIM: Transition(Party.OWNER, REPLY, _all_to(S.IN_PROGRESS, *WORKABLE)),
    Act.EXTEND: Transition(Party.OWNER, APPROVE, _all_to(S.IN_PROGRESS, *WORKABLE) | _stay(S.REOPENED)),
    Act.SAVE_DRAFT: Transition(Party.OWNER, REPLY, _stay(*_AT_WORK)),
    Act.SUBMIT: Transition(Party.OWNER, REPLY, _all_to(S.IN_REVIEW, *_AT_WORK)),
    Act.RECALL: Transition(
        Party.OWNER,
        REPLY,
        _all_to(S.IN_PROGRESS, S.IN_REVIEW, S.APPROVED),
        again=_all_to(S.REOPENED, S.IN_REVIEW, S.APPROVED),
    ),
    Act.RETURN: Transition(
        Party.OWNER, APPROVE, {S.IN_REVIEW: S.IN_PROGRESS}, again={S.IN_REVIEW: S.REOPENED}
    ),
    Act.APPROVE: Transition(Party.OWNER, APPROVE, {S.IN_REVIEW: S.APPROVED}),
    Act.SEND: Transition(Party.OWNER, REPLY, {S.APPROVED: S.ANSWERED}),
    Act.REPLY: Transition(Party.OWNER, REPLY, _all_to(S.ANSWERED, *_AT_WORK)),
    Act.CLOSE: Transition(Party.OWNER, REPLY, {S.ANSWERED: S.CLOSED}),
    Act.REOPEN: Transition(Party.SYSTEM, None, _all_to(S.REOPENED, S.ANSWERED, S.CLOSED)),
    Act.DECLINE: Transition(Party.OWNER, APPROVE, _all_to(S.DECLINED, *WORKABLE, S.AWAITING_CITIZEN)),
    Act.REFER: Transition(Party.OWNER, REPLY, _all_to(S.REFERRED, *WORKABLE)),
    Act.MERGE: Transition(Party.OWNER, REPLY, _all_to(S.MERGED, *WORKABLE)),
    Act.SEPARATE: Transition(Party.OWNER, REPLY, {S.MERGED: S.DISPATCHED}),
    Act.WITHDRAW: Transition(Party.CITIZEN, None, _all_to(S.WITHDRAWN, *_BEFORE_ANSWER), again={}),
}


class NotAllowed(Conflict):
    """The letter is no longer in a state in which this can be done."""

    message = "這封信的狀態已經改變，現在不能做這個動作。請重新整理後再看。"


def move(status: Status, act: Act, *, answered: bool = False) -> Status:
    """The state after an act; NotAllowed when the act does not start from `status`.

    `answered` says whether the letter has been answered once before.
    """
    try:
        return TRANSITIONS[act].leads(answered=answered)[status]
    except KeyError:
        raise NotAllowed from None


def acts_from(status: Status, *, answered: bool = False) -> frozenset[Act]:
    """What may be done to a letter in this state, whoever does it."""
    return frozenset(
        act for act, transition in TRANSITIONS.items() if status in transition.leads(answered=answered)
    )
