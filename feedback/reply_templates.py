"""Which of the agency's texts fit a letter, and such a text with its fields filled in."""

from __future__ import annotations

from feedback.models import Case
from feedback.states import Act
from portal.access import Actor
from portal.clock import roc_date, roc_deadline
from portal.profile import Profile, ReplyTemplate
from portal.profile.replies import FIELD

KINDS = {
    Act.SAVE_DRAFT: "answer",
    Act.SUBMIT: "answer",
    Act.REPLY: "answer",
    Act.INTERIM: "interim",
    Act.ASK_CITIZEN: "ask_citizen",
    Act.EXTEND: "extend",
    Act.DECLINE: "decline",
    Act.REFER: "refer",
}
WORDS = {"ask_citizen": "question", "extend": "reason", "decline": "notice", "refer": "notice"}
"""The field of the act's form that a template fills; `body` for the others."""


def fitting(case: Case, profile: Profile, kind: str) -> list[tuple[int, ReplyTemplate]]:
    """The templates for a letter's language and topic with their places in the profile, its topic's first."""
    found = [
        (place, template)
        for place, template in enumerate(profile.reply_templates)
        if template.kind == kind
        and template.language == case.language
        and template.topic in (None, case.likely_topic)
    ]
    return sorted(found, key=lambda item: item[1].topic is None)


def chosen(case: Case, profile: Profile, place: int | None) -> ReplyTemplate | None:
    """The template that was asked for, when it is one of those that fit."""
    if place is None or not 0 <= place < len(profile.reply_templates):
        return None
    wanted = profile.reply_templates[place]
    return wanted if (place, wanted) in fitting(case, profile, wanted.kind) else None


def filled(template: ReplyTemplate, case: Case, profile: Profile, by: Actor) -> str:
    """The template's text for this letter, as this person would send it."""
    unit = next((unit for unit in profile.units if unit.code == case.unit.code), None)
    values = {
        "案件編號": case.number,
        "主旨": case.subject,
        "收到日": roc_date(case.received_at),
        "期限": roc_deadline(case.due_at),
        "主題": profile.topic_name(case.likely_topic),
        "單位": case.unit.name,
        "承辦人": case.handler.name if case.handler else by.name,
        "電話": (unit.phone if unit else "") or profile.phone,
    }
    return FIELD.sub(lambda field: values[field[1]], template.body)
