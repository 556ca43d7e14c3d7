"""Forms of personal-data requests: the citizen's and those of whoever decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from feedback.forms import TrackForm, own_key
from feedback.letters import MAX_NAME, email_fault, line_fault, phone_fault
from feedback.rights.models import DataRequest, Result, RightKind, TellBy
from feedback.rights.services import Ask, Decision
from feedback.rights.words import FIELDS, grounds_for
from feedback.secrets import new_key, tidy_number
from feedback.staff_forms import choices
from portal.forms import BaseForm, PlainText, clean, long_text

MAX_WISH, MAX_REASON, MAX_NOTE = 2000, 2000, 500
NO_KIND = "請選擇您要行使哪一項權利。"


def _name(label: str, **values: Any) -> StringField:
    return StringField(
        label,
        filters=[clean],
        validators=[Length(max=MAX_NAME, message=f"{label}最長 {MAX_NAME} 個字。"), PlainText(), _one_line],
        **values,
    )


def _one_line(_form: BaseForm, field: StringField) -> None:
    _say(line_fault(field.data, field.label.text))


def _email(_form: BaseForm, field: StringField) -> None:
    _say(email_fault(field.data, "optional"))


def _phone(_form: BaseForm, field: StringField) -> None:
    _say(phone_fault(field.data, "optional"))


def _say(fault: str | None) -> None:
    if fault:
        raise ValidationError(fault)


class DataRequestForm(BaseForm):
    """A citizen's request. Who shows a letter's secret need not say who they are."""

    submission_key = HiddenField(default=new_key, filters=[own_key])
    kind = RadioField(
        "您要行使哪一項權利",
        choices=choices((kind.value, kind.label) for kind in RightKind),
        validators=[InputRequired(NO_KIND)],
        validate_choice=False,
    )
    number = StringField(
        "案件編號",
        description="例如 115-000123。",
        filters=[clean],
        validators=[Length(max=40, message="案件編號太長了。")],
        render_kw={"autocomplete": "off"},
    )
    secret = StringField(
        "這封信的查詢密碼",
        description="送出來信時畫面上的 12 個英文字母與數字。有編號和密碼，就不必另外核對身分。",
        filters=[clean],
        validators=[Length(max=60, message="查詢密碼太長了。")],
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )
    wish = TextAreaField(
        "要查詢、更正或刪除什麼",
        description="例如：想知道貴機關保存了我的哪些資料；請刪除我的電話。",
        filters=[clean],
        validators=[Length(max=MAX_WISH, message=f"最長 {MAX_WISH:,} 個字，請縮短後再送出。"), PlainText()],
    )
    new_name = _name("更正後的姓名")
    new_email = StringField("更正後的電子郵件", filters=[clean], validators=[_email])
    new_phone = StringField("更正後的電話", filters=[clean], validators=[_phone])
    name = _name("您的姓名", render_kw={"autocomplete": "name"})
    email = StringField(
        "您的電子郵件",
        description="我們會把收件通知與決定寄到這裡。",
        filters=[clean],
        validators=[_email],
        render_kw={"autocomplete": "email", "type": "email", "inputmode": "email"},
    )
    phone = StringField(
        "您的電話",
        description="例如 02-1234-5678 轉 123。",
        filters=[clean],
        validators=[_phone],
        render_kw={"autocomplete": "tel", "type": "tel"},
    )
    tell_by = RadioField(
        "希望我們怎麼通知您",
        choices=choices((way.value, way.label) for way in TellBy),
        default=TellBy.PAGE.value,
        validators=[InputRequired("請選擇通知的方式。")],
        validate_choice=False,
    )

    def validate_kind(self, field: RadioField) -> None:
        if field.data not in {kind.value for kind in RightKind}:
            raise ValidationError(NO_KIND)
        if field.data == RightKind.CORRECT.value and not (self.wanted or self.wish.data):
            raise ValidationError("要求補充或更正時，請填寫更正後的資料，或說明要更正什麼。")

    def validate_number(self, field: StringField) -> None:
        if field.data and not tidy_number(field.data):
            raise ValidationError("案件編號的格式不對，例如 115-000123。")
        if self.secret.data and not field.data:
            raise ValidationError("填了查詢密碼，也請填案件編號。")

    def validate_name(self, field: StringField) -> None:
        if not self.secret.data and not field.data:
            raise ValidationError("沒有填案件編號和查詢密碼時，請留下姓名，讓我們核對身分。")

    def validate_tell_by(self, field: RadioField) -> None:
        if field.data not in {way.value for way in TellBy}:
            raise ValidationError("請選擇通知的方式。")
        if field.data == TellBy.EMAIL.value and not self.email.data:
            raise ValidationError("希望寄電子郵件時，請填電子郵件。")
        if field.data == TellBy.PHONE.value and not self.phone.data:
            raise ValidationError("希望打電話時，請填電話。")

    def validate_email(self, field: StringField) -> None:
        if not self.secret.data and not (field.data or self.phone.data):
            raise ValidationError(
                "沒有填案件編號和查詢密碼時，請留下電子郵件或電話其中一項，讓我們核對身分。"
            )

    @property
    def wanted(self) -> dict[str, str]:
        """The corrected contact data, as far as given."""
        typed = {field: self[f"new_{field}"].data for field in FIELDS}
        return {field: value for field, value in typed.items() if value}

    @property
    def ask(self) -> Ask:
        kind = RightKind(self.kind.data)
        return Ask(
            kind=kind,
            case_number=tidy_number(self.number.data),
            wish=self.wish.data,
            wanted=self.wanted if kind is RightKind.CORRECT else {},
            name=self.name.data,
            email=self.email.data,
            phone=self.phone.data,
            tell_by=TellBy(self.tell_by.data),
        )


class FollowForm(TrackForm):
    """A request's number and secret."""

    number = StringField(
        "請求編號",
        description="例如 個115-0001；「個」可以不寫。",
        filters=[clean],
        validators=[
            DataRequired("請輸入請求編號，例如 個115-0001。"),
            Length(max=40, message="請求編號太長了。"),
        ],
        render_kw={"autocomplete": "off"},
    )


class VerifyForm(BaseForm):
    number = StringField(
        "請求所指的信（案件編號）",
        description="例如 115-000123。",
        filters=[clean],
        validators=[Length(max=40, message="案件編號太長了。")],
        render_kw={"autocomplete": "off"},
    )
    certain = BooleanField(
        "我已確認請求人就是資料的當事人", validators=[DataRequired("請先核對身分，再勾選這一項。")]
    )
    note = long_text(
        "怎麼確認的",
        description="例如：請求人親自到場出示身分證件。不要抄寫證號。",
        empty="請寫下怎麼確認身分，例如：以來信所留的電話回撥確認。",
        longest=MAX_NOTE,
    )

    def offer(self, request: DataRequest) -> VerifyForm:
        """Without the field when the letter is known."""
        if request.case_id is not None:
            del self.number
        return self


class ExtendForm(BaseForm):
    why = long_text(
        "延長的原因",
        description="會寄給請求人，也會顯示在查詢頁。",
        empty="請寫下延長的原因，例如：資料分散在兩個單位，需要時間彙整。",
        longest=MAX_REASON,
    )


class DecideForm(BaseForm):
    result = RadioField(
        "決定",
        choices=choices((result.value, result.label) for result in Result),
        validators=[InputRequired("請選擇決定。")],
        validate_choice=False,
    )
    parts = SelectMultipleField(
        "准許的部分",
        description="只有部分准許時才要勾選。",
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validate_choice=False,
    )
    ground = SelectField("法律依據", description="不予准許或部分准許時必填。", validate_choice=False)
    reason = TextAreaField(
        "說明與理由",
        description="會讓請求人看到。不予准許或部分准許時必填。",
        filters=[clean],
        validators=[
            Length(max=MAX_REASON, message=f"最長 {MAX_REASON:,} 個字，請縮短後再送出。"),
            PlainText(),
        ],
    )

    def offer(self, request: DataRequest, parts: Mapping[str, str]) -> DecideForm:
        self.ground.choices = choices([("", "請選擇"), *grounds_for(request.kind).items()])
        self.parts.choices = choices(parts.items())
        if not parts:
            del self.parts
        return self

    def validate_result(self, field: RadioField) -> None:
        if field.data not in {result.value for result in Result}:
            raise ValidationError("請選擇決定。")

    @property
    def decision(self) -> Decision:
        return Decision(
            result=Result(self.result.data),
            ground=self.ground.data or "",
            reason=self.reason.data,
            parts=tuple(self.parts.data or ()) if "parts" in self else (),
        )
