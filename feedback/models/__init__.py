"""The tables of letters, by what they are about."""

from __future__ import annotations

from feedback.models.answering import Draft, DraftState, Method, Rating, Reply
from feedback.models.case import (
    Case,
    CaseCounter,
    CaseNeighbour,
    Contact,
    IntakeKey,
    Suggestion,
    TopicLabel,
)
from feedback.models.correspondence import Extension, Message, MessageKind, Pause
from feedback.models.events import CaseEvent, EventKind, Reminder, ReminderKind
from feedback.models.routing import Consultation, Outcome, Presence, Referral, Transfer

__all__ = [
    "Case",
    "CaseCounter",
    "CaseEvent",
    "CaseNeighbour",
    "Consultation",
    "Contact",
    "Draft",
    "DraftState",
    "EventKind",
    "Extension",
    "IntakeKey",
    "Message",
    "MessageKind",
    "Method",
    "Outcome",
    "Pause",
    "Presence",
    "Rating",
    "Referral",
    "Reminder",
    "ReminderKind",
    "Reply",
    "Suggestion",
    "TopicLabel",
    "Transfer",
]
