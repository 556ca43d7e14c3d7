"""The forms of surveys: a questionnaire built from its published version, and the staff's filters."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from wtforms import Field, Form, HiddenField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from portal.clock import Period
from portal.forms import BaseForm, clean
from portal.profile import Profile
from portal.units import Unit
from surveys import questions
from surveys.models import QuestionKind, SurveyVersion
from surveys.queries import Scope
from surveys.tickets import new_key, own_key

CHANGED = "這份問卷的題目剛剛更新了。您填的答案都還在，請再看一次，然後送出。"
MONTHS_SHOWN = 12
SHORT = 4


class QuestionnaireForm(BaseForm):
    """A questionnaire; `questionnaire_form` adds a field for each question."""

    key = HiddenField(default=new_key, filters=[own_key])
    version_number = HiddenField()
    version: SurveyVersion

    def refuse(self, message: str) -> None:
        """Say why the form comes back though every answer is fine."""
        self.form_errors.append(message)

    def validate(self, extra_validators: Any = None) -> bool:
        fine: bool = super().validate(extra_validators)
        shown, current = self.version_number.data, str(self.version.number)
        if shown != current:
            self.version_number.data = current
            self.refuse(CHANGED)
            return False
        return fine

    @property
    def answers(self) -> dict[str, object]:
        """The raw answers that were given, by question code."""
        typed = {question.code: self[field_name(question.code)].data for question in self.version.questions}
        return {code: value for code, value in typed.items() if value not in {None, ""}}

    @property
    def sections(self) -> list[tuple[str, list[Field]]]:
        """The fields by section, in the order asked."""
        grouped = groupby(self.version.questions, key=lambda question: question.section)
        return [(name, [self[field_name(item.code)] for item in items]) for name, items in grouped]

    def is_scale(self, field: Field) -> bool:
        return any(
            field.name == field_name(question.code) and question.kind is QuestionKind.SCALE
            for question in self.version.questions
        )

    def is_short(self, field: Field) -> bool:
        """A choice among few words, which stand side by side where there is room."""
        return isinstance(field, RadioField) and all(len(choice.label) <= SHORT for choice in field.choices)

    @property
    def required_count(self) -> int:
        return sum(question.required for question in self.version.questions)


def field_name(code: str) -> str:
    """A question's field: a name of its own, so that no code can cover a part of the form."""
    return f"q_{code}"


def questionnaire_form(version: SurveyVersion, given: Mapping[str, str] | None = None) -> QuestionnaireForm:
    """The form of a published version. `given` chooses answers beforehand, as a counter's QR code does."""
    fields = {field_name(question.code): questions.field(question) for question in version.questions}
    parts = {**fields, "version": version}
    form_class: type[QuestionnaireForm] = type("PublishedForm", (QuestionnaireForm,), parts)
    chosen = {field_name(code): value for code, value in (given or {}).items()}
    return form_class(version_number=str(version.number), **chosen)


class ResultsFilter(Form):
    """Which answers staff look at, read from the address. A value that is not offered counts as not given."""

    since = StringField("從（年-月）", filters=[clean], render_kw={"inputmode": "numeric"})
    until = StringField("到（年-月）", filters=[clean], render_kw={"inputmode": "numeric"})
    unit = SelectField("單位", validate_choice=False)
    line = SelectField("服務別", validate_choice=False)

    def prepare(self, profile: Profile, units: list[Unit], this_month: Period) -> ResultsFilter:
        """Offer the choices and settle the period; without units there is no unit filter."""
        lines = profile.satisfaction.service_lines
        everything = SelectChoice("", "全部")
        self.unit.choices = [everything, *(SelectChoice(str(unit.id), unit.name) for unit in units)]
        self.line.choices = [everything, *(SelectChoice(line.code, line.name) for line in lines)]
        for field in (self.unit, self.line):
            if field.data not in {choice.value for choice in field.choices}:
                field.data = ""
        last = self._month(self.until, this_month)
        first = self._month(self.since, min(this_month, last).shift(1 - MONTHS_SHOWN))
        if first > last:
            self.since.errors = ["開始的月份要早於結束的月份；這次先顯示結束的那個月。"]
            first = last
        self.first, self.last = first, last
        return self

    def _month(self, field: StringField, otherwise: Period) -> Period:
        if field.data:
            try:
                return Period.parse(field.data)
            except ValueError:
                field.errors = [f"月份請寫成民國年-月，例如 115-11；這次先用 {otherwise}。"]
                return otherwise
        field.data = str(otherwise)
        return otherwise

    def scope(self, slug: str) -> Scope:
        return Scope(
            slug=slug,
            first=self.first,
            last=self.last,
            unit_id=int(self.unit.data) if self.unit.data else None,
            service_line=self.line.data or None,
        )

    def as_args(self) -> dict[str, str]:
        """The filters as an address says them."""
        given = {"since": str(self.first), "until": str(self.last)}
        chosen = {"unit": self.unit.data, "line": self.line.data}
        return given | {name: value for name, value in chosen.items() if value}

    @property
    def span(self) -> str:
        """The period in words."""
        return self.first.label if self.first == self.last else f"{self.first.label}至{self.last.label}"
