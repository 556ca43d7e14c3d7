"""What each kind of question can do: be drawn as a field, and check an answer.

The web form and the interface for programs use the same check, so they take the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wtforms import Field, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from portal.forms import clean, has_control
from surveys.models import Question, QuestionKind
from surveys.standard import NO_OPINION

MAX_TEXT = 1000
"""Characters in one open answer."""

MOST_RADIOS = 8
"""A choice with more options than this becomes a list to pick from."""


class AnswerError(ValueError):
    """An answer that the question does not take; the message is for its writer."""


@dataclass(frozen=True)
class Given:
    """One usable answer as it is kept; see `surveys.models.Answer`."""

    score: int | None = None
    choice: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class Kind:
    """`check` takes what was sent; it returns the answer, None when there is none, or raises AnswerError."""

    field: Callable[[Question], Any]
    check: Callable[[Question, object], Given | None]


class Taken:
    """WTForms validator: the question takes what was typed."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.field_flags: dict[str, Any] = {"required": True} if question.required else {}
        if question.kind is QuestionKind.TEXT:
            self.field_flags["maxlength"] = MAX_TEXT

    def __call__(self, form: object, field: Field) -> None:
        if field.data in {None, ""}:
            if self.question.required:
                raise ValidationError(missing(self.question))
            return
        try:
            check(self.question, field.data)
        except AnswerError as fault:
            raise ValidationError(str(fault)) from None


def field(question: Question) -> Any:
    """An unbound WTForms field that asks the question."""
    return KINDS[question.kind].field(question)


def check(question: Question, raw: object) -> Given | None:
    return KINDS[question.kind].check(question, raw)


def check_all(
    questions: Iterable[Question], values: Mapping[str, object]
) -> tuple[dict[str, Given], dict[str, str]]:
    """The usable answers and what is wrong with the others, both by question code."""
    known = {question.code: question for question in questions}
    given: dict[str, Given] = {}
    wrong = {code: "這份問卷沒有這一題。" for code in values if code not in known}
    for code, question in known.items():
        try:
            answer = check(question, values[code]) if code in values else None
        except AnswerError as fault:
            wrong[code] = str(fault)
            continue
        if answer is not None:
            given[code] = answer
        elif question.required:
            wrong[code] = missing(question)
    return given, wrong


def missing(question: Question) -> str:
    return f"請回答「{question.label}」"


def _codes(question: Question) -> set[str]:
    return {option["code"] for option in question.options}


def _choices(question: Question) -> list[SelectChoice]:
    return [SelectChoice(option["code"], option["name"]) for option in question.options]


def _check_scale(question: Question, raw: object) -> Given:
    """A whole number on the scale; null or "na" for 無意見／未使用."""
    if raw is None or raw == NO_OPINION:
        return Given()
    if not isinstance(raw, int) or isinstance(raw, bool) or str(raw) not in _codes(question):
        raise AnswerError("請從「非常滿意」（5）到「非常不滿意」（1）選一項，或選「無意見／未使用」。")
    return Given(score=raw)


def _check_choice(question: Question, raw: object) -> Given | None:
    if raw is None:
        return None
    if not isinstance(raw, str) or raw not in _codes(question):
        raise AnswerError("請從選項中選一項。")
    return Given(choice=raw)


def _check_text(_question: Question, raw: object) -> Given | None:
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise AnswerError("這一題請用文字回答。")
    text = clean(raw)
    if len(text) > MAX_TEXT:
        raise AnswerError(f"最長 {MAX_TEXT:,} 個字，您寫了 {len(text):,} 個字，請縮短後再送出。")
    if has_control(text):
        raise AnswerError("含有看不見的控制字元，請刪除後再送出（可以先貼到記事本再複製過來）。")
    return Given(text=text) if text else None


def _scale_value(typed: str) -> int | str:
    """What a browser sends as text is a number on the scale where it can be."""
    return int(typed) if typed in {"1", "2", "3", "4", "5"} else typed


def _scale_field(question: Question) -> Any:
    return RadioField(
        question.label,
        description=question.help,
        choices=_choices(question),
        coerce=_scale_value,
        validate_choice=False,
        validators=[Taken(question)],
    )


def _choice_field(question: Question) -> Any:
    listed = len(question.options) > MOST_RADIOS
    make = SelectField if listed else RadioField
    nothing = [SelectChoice("", "（請選擇，或略過這一題）")] if listed else []
    return make(
        question.label,
        description=question.help,
        choices=[*nothing, *_choices(question)],
        validate_choice=False,
        validators=[Taken(question)],
    )


def _text_field(question: Question) -> Any:
    return TextAreaField(
        question.label,
        description=question.help,
        filters=[clean],
        validators=[Taken(question)],
        render_kw={"rows": 4},
    )


KINDS = {
    QuestionKind.SCALE: Kind(_scale_field, _check_scale),
    QuestionKind.CHOICE: Kind(_choice_field, _check_choice),
    QuestionKind.TEXT: Kind(_text_field, _check_text),
}
