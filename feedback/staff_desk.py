"""One letter on a person's desk: what may be done to it now, with a form for each act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feedback.models import Case
from feedback.services.casework import may_act
from feedback.staff_forms import ActForm, AssignForm, ReplyForm, TopicForm, TransferForm
from feedback.states import Act, acts_from
from portal.access import PERMISSIONS, Actor, Permission, Role
from portal.accounts.models import User
from portal.accounts.services import colleagues
from portal.forms import BaseForm
from portal.profile import Profile
from portal.units import Unit


class Desk:
    """Makes the forms for a letter: bound to what was just sent, or fresh for the page."""

    def __init__(self, case: Case, actor: Actor, profile: Profile, units: list[Unit]) -> None:
        self.case, self.actor, self.profile, self.units = case, actor, profile, units

    def sent(self, act: Act) -> BaseForm:
        """The act's form with what the request brought."""
        return self._makers[act]({})

    def forms(self, used: dict[Act, BaseForm]) -> dict[str, BaseForm]:
        """By name of act: fresh forms for what this person may do now, and the forms just used."""
        possible = acts_from(self.case.status) - ({Act.TRANSFER} if self.case.restricted else set())
        allowed = {act for act in possible if may_act(self.actor, self.case.unit_id, act)}
        return {
            act.value: used[act] if act in used else self._makers[act]({"formdata": None})
            for act in Act
            if act in allowed or act in used
        }

    @property
    def _makers(self) -> dict[Act, Callable[[dict[str, Any]], BaseForm]]:
        return {
            Act.CONFIRM_TOPIC: lambda data: TopicForm(**data).offer(self.profile, likely_topic(self.case)),
            Act.ASSIGN: lambda data: AssignForm(**data).offer(handlers(self.case), self.case.handler_id),
            Act.TRANSFER: lambda data: TransferForm(**data).offer(self.units, self.case.unit_id),
            Act.REPLY: lambda data: ReplyForm(**data),
            Act.CLOSE: lambda data: ActForm(**data),
        }


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
