"""One letter on a person's desk: what may be done to it now, with a form for each act."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from feedback.act_forms import (
    ActForm,
    AskForm,
    AssignForm,
    CommentForm,
    ConsultForm,
    DeclineForm,
    ExtendForm,
    InterimForm,
    MergeForm,
    ReasonForm,
    ReferForm,
    ReplyForm,
    TopicForm,
    TransferForm,
    UrgencyForm,
    VoiceForm,
)
from feedback.models import Case, CaseNeighbour, Draft, DraftState
from feedback.reply_templates import KINDS, WORDS, filled
from feedback.states import TRANSITIONS, Act, Party, acts_from
from portal.access import PERMISSIONS, Actor, Permission, Role
from portal.accounts.models import User
from portal.accounts.services import colleagues
from portal.forms import BaseForm
from portal.masking import mask
from portal.profile import Profile, ReplyTemplate
from portal.units import Unit

ANSWERING = frozenset({Act.SAVE_DRAFT, Act.SUBMIT, Act.REPLY})
"""Acts that bring the text of an answer."""

NOT_FOR_RESTRICTED = frozenset({Act.TRANSFER, Act.DISPATCH, Act.REFER})


class Desk:
    """Makes the forms for a letter: bound to what was just sent, or fresh for the page.

    `incoming` says that the person's unit is asked to take the letter over.
    """

    def __init__(
        self,
        case: Case,
        actor: Actor,
        profile: Profile,
        units: list[Unit],
        *,
        incoming: bool = False,
        draft: Draft | None = None,
        alike: Collection[CaseNeighbour] = (),
        template: ReplyTemplate | None = None,
    ) -> None:
        self.case, self.actor, self.profile, self.units = case, actor, profile, units
        self.incoming, self.draft, self.alike, self.template = incoming, draft, alike, template

    def sent(self, act: Act) -> BaseForm:
        """The act's form with what the request brought."""
        return self._make(act, {})

    def forms(self, used: dict[Act, BaseForm]) -> dict[str, BaseForm]:
        """By name of act: fresh forms for what this person may do now, and the forms just used."""
        allowed = self.allowed()
        typed = next((form for act, form in used.items() if act in ANSWERING), None)
        if typed is not None:  # three buttons of one form
            used = used | dict.fromkeys(ANSWERING & allowed, typed)
        return {
            act.value: used[act] if act in used else self._make(act, {"formdata": None})
            for act in self._makers
            if act in allowed or act in used
        }

    def allowed(self) -> set[Act]:
        """What this person may do to the letter in the state in which it is."""
        possible = acts_from(self.case.status, answered=self.case.answered_at is not None)
        found = {act for act in possible if self._is_party(act)}
        if self.case.restricted:
            found -= NOT_FOR_RESTRICTED
        if self.profile.answering.sign_off and not self.actor.may(Permission.CASE_APPROVE):
            found -= {Act.REPLY}
        if self.draft is not None and self.draft.author_id == self.actor.id:
            found -= {Act.APPROVE}
        if Act.MERGE in found and not self.merge_choices():
            found -= {Act.MERGE}
        return found

    def _is_party(self, act: Act) -> bool:
        transition = TRANSITIONS[act]
        if transition.permission is None or not self.actor.may(transition.permission):
            return False
        own = self.actor.unit_id == self.case.unit_id
        return {
            Party.OWNER: own,
            Party.SORTER: own or self.actor.sees_all_units,
            Party.DISPATCHER: self.actor.sees_all_units,
            Party.RECEIVER: self.incoming,
        }.get(transition.party, False)

    def merge_choices(self) -> list[tuple[int, str]]:
        """Open letters of the unit that read almost alike."""
        return [
            (row.earlier_id, f"{row.earlier.number} {mask(row.earlier.subject)}")
            for row in self.alike
            if row.earlier.unit_id == self.case.unit_id
            and row.earlier.status.is_open
            and row.earlier.answered_at is None
            and row.earlier.restricted == self.case.restricted
        ]

    def _make(self, act: Act, data: dict[str, Any]) -> BaseForm:
        """A form whose field ids hold the name of the act: several forms on a page have fields alike."""
        form = self._makers[act](data)
        self._begin(act, form)
        for field in form:
            prefix = "answer" if act in ANSWERING else act.value
            field.id = field.label.field_id = f"{prefix}-{field.name}"
        return form

    def _begin(self, act: Act, form: BaseForm) -> None:
        """Put the chosen template into a form for it that nothing was written into."""
        if self.template is None or KINDS.get(act) != self.template.kind:
            return
        words = form[WORDS.get(self.template.kind, "body")]
        if words.raw_data is None and not words.data:
            words.data = filled(self.template, self.case, self.profile, self.actor)

    @property
    def _makers(self) -> dict[Act, Callable[[dict[str, Any]], BaseForm]]:
        case, profile = self.case, self.profile
        plain = dict.fromkeys(
            (
                Act.DECLINE_SUGGESTION, Act.ACCEPT_TRANSFER, Act.CANCEL_TRANSFER, Act.STOP_WAITING,
                Act.RECALL, Act.SEND, Act.CLOSE, Act.SEPARATE, Act.DROP_CONSULTATION,
            ),
            lambda data: ActForm(**data),
        )  # fmt: skip
        answers = dict.fromkeys((Act.SAVE_DRAFT, Act.SUBMIT, Act.REPLY), self._reply_form)
        moving = dict.fromkeys(
            (Act.TRANSFER, Act.DISPATCH), lambda data: TransferForm(**data).offer(self.units, case.unit_id)
        )
        return {
            Act.CONFIRM_TOPIC: lambda data: TopicForm(**data).offer(profile, likely_topic(case)),
            Act.SET_VOICE: lambda data: VoiceForm(**data).offer(profile, case),
            Act.JUDGE_URGENCY: lambda data: UrgencyForm(**data),
            Act.ASSIGN: lambda data: AssignForm(**data).offer(handlers(case), case.handler_id),
            Act.REFUSE_TRANSFER: lambda data: ReasonForm(**data),
            Act.CONSULT: self._consult_form,
            Act.ASK_CITIZEN: lambda data: AskForm(**data),
            Act.INTERIM: lambda data: InterimForm(**data),
            Act.EXTEND: lambda data: ExtendForm(**data).offer(profile),
            Act.RETURN: lambda data: ReasonForm(**data),
            Act.APPROVE: lambda data: CommentForm(**data),
            Act.DECLINE: lambda data: DeclineForm(**data),
            Act.REFER: lambda data: ReferForm(**data).offer(profile),
            Act.MERGE: lambda data: MergeForm(**data).offer(self.merge_choices()),
            **plain,
            **answers,
            **moving,
        }

    def _consult_form(self, data: dict[str, Any]) -> BaseForm:
        form: BaseForm = ConsultForm(**data).offer(self.units, self.case.unit_id)
        if not self.case.restricted:
            del form["shown"]
        elif form["shown"].raw_data is None:
            form["shown"].data = mask(self.case.body)
        return form

    def _reply_form(self, data: dict[str, Any]) -> BaseForm:
        """The answer as far as it has been written: the draft, also one that came back."""
        form = ReplyForm(**data)
        if form.body.raw_data is None and self.draft is not None:
            form.version.data = self.draft.version
            if self.draft.state in REUSABLE:
                form.body.data, form.method.data = self.draft.body, self.draft.method.value
        return form


REUSABLE = frozenset({DraftState.WORKING, DraftState.RETURNED, DraftState.RECALLED})


def likely_topic(case: Case) -> str | None:
    """What a person confirmed, otherwise the machine's guess when it was sure enough."""
    guess = case.suggestion
    return case.topic or (guess.topic if guess and not guess.abstained else None)


def handlers(case: Case) -> list[User]:
    """People of the owning unit who may read and answer this letter."""
    return [user for user in colleagues(case.unit_id) if _may_answer(user, case)]


def _may_answer(user: User, case: Case) -> bool:
    may = Permission.CASE_REPLY in PERMISSIONS[user.role]
    return may and (user.role is Role.ETHICS or not case.restricted)
