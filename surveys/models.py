"""Surveys: a survey has frozen versions, a version has questions, a response has answers.

Nothing here points at a person, an address or a letter. A response keeps the day it came, not the
moment, and its number is drawn at random: a counting number would tell the order of the day's
responses, and with it which line of an access log belongs to which response.
"""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Model
from portal.units import Unit

# 64 bits on PostgreSQL; on SQLite the row's own key, so that no hidden counter keeps the order.
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Survey(Model):
    """A questionnaire with an address of its own (`/surveys/<slug>`)."""

    __tablename__ = "surveys"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(64), unique=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    intro: Mapped[str] = mapped_column(sa.Text, default="")
    open: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    versions: Mapped[list[SurveyVersion]] = relationship(
        back_populates="survey", lazy="raise_on_sql", order_by="SurveyVersion.number"
    )


class SurveyVersion(Model):
    """The questions as they were published; a version is never changed, only followed by another."""

    __tablename__ = "survey_versions"
    __table_args__ = (sa.UniqueConstraint("survey_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    survey_id: Mapped[int] = mapped_column(sa.ForeignKey("surveys.id"))
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(sa.String(64))
    published_at: Mapped[datetime]

    survey: Mapped[Survey] = relationship(back_populates="versions", lazy="raise_on_sql")
    questions: Mapped[list[Question]] = relationship(
        back_populates="version", lazy="raise_on_sql", order_by="Question.position"
    )


class QuestionKind(enum.Enum):
    """How a question is asked; see `surveys.questions` for what each kind can do."""

    SCALE = "scale"
    CHOICE = "choice"
    TEXT = "text"


class Question(Model):
    """One question of a version.

    `code` is stable over versions (A … J for the dimensions). `role` says what an answer describes
    beside itself: the unit, the service line, the channel, the respondent. `options` is a list of
    {code, name} for scales and choices.
    """

    __tablename__ = "survey_questions"
    __table_args__ = (
        sa.UniqueConstraint("version_id", "code"),
        sa.UniqueConstraint("version_id", "position"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("survey_versions.id"))
    code: Mapped[str] = mapped_column(sa.String(32))
    position: Mapped[int]
    kind: Mapped[QuestionKind]
    role: Mapped[str | None] = mapped_column(sa.String(32))
    section: Mapped[str] = mapped_column(sa.String(80), default="")
    label: Mapped[str] = mapped_column(sa.String(300))
    help: Mapped[str] = mapped_column(sa.String(500), default="")
    required: Mapped[bool] = mapped_column(default=False)
    options: Mapped[list[Any]]

    version: Mapped[SurveyVersion] = relationship(back_populates="questions", lazy="raise_on_sql")


class Response(Model):
    """One filled questionnaire. `unit_id`, `service_line` and `channel` are copied from its answers.

    `id` is random (see `surveys.services`). `source` says how it came in (web, api, demo …). `day` is
    the Taipei day.
    """

    __tablename__ = "survey_responses"
    __table_args__ = (sa.Index("ix_survey_responses_unit_day", "unit_id", "day"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("survey_versions.id"), index=True)
    day: Mapped[date] = mapped_column(index=True)
    source: Mapped[str] = mapped_column(sa.String(16))
    unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("units.id"))
    service_line: Mapped[str | None] = mapped_column(sa.String(32))
    channel: Mapped[str | None] = mapped_column(sa.String(32))

    unit: Mapped[Unit | None] = relationship(lazy="raise_on_sql")
    answers: Mapped[list[Answer]] = relationship(back_populates="response", lazy="raise_on_sql")


class Answer(Model):
    """One answer. A scale answer has `score` 1–5, or none for 無意見／未使用, which never counts in n.

    The key is the response and the question: a number of its own would count, and so tell the order.
    """

    __tablename__ = "survey_answers"
    __table_args__ = (
        sa.CheckConstraint("score BETWEEN 1 AND 5", name="score_on_scale"),
        sa.Index("ix_survey_answers_question_score", "question_id", "score"),
        {"sqlite_with_rowid": False},
    )

    response_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("survey_responses.id"), primary_key=True)
    question_id: Mapped[int] = mapped_column(sa.ForeignKey("survey_questions.id"), primary_key=True)
    score: Mapped[int | None]
    choice: Mapped[str | None] = mapped_column(sa.String(32))
    text: Mapped[str | None] = mapped_column(sa.Text)

    response: Mapped[Response] = relationship(back_populates="answers", lazy="raise_on_sql")
    question: Mapped[Question] = relationship(lazy="raise_on_sql")


SENTIMENTS = ("正面", "中性", "負面")


class CommentReading(Model):
    """What the classifier makes of one open answer: 正面, 中性 or 負面, and the dimension A–H it is about.

    No time of its own: it would tell in which order the answers came.
    """

    __tablename__ = "survey_comment_readings"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["response_id", "question_id"], ["survey_answers.response_id", "survey_answers.question_id"],
            name="fk_survey_comment_readings_answer",
        ),
        sa.CheckConstraint("sentiment IN ('正面', '中性', '負面')", name="sentiment_is_known"),
        {"sqlite_with_rowid": False},
    )  # fmt: skip

    response_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    question_id: Mapped[int] = mapped_column(primary_key=True)
    sentiment: Mapped[str] = mapped_column(sa.String(4))
    dimension: Mapped[str | None] = mapped_column(sa.String(1))
    model_version: Mapped[str] = mapped_column(sa.String(64))
