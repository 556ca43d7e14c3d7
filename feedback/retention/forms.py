"""Forms of disposal plans."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import DataRequired, Length, ValidationError

from feedback.letters import line_fault
from feedback.secrets import tidy_number
from portal.forms import BaseForm, PlainText, clean


class ApproveForm(BaseForm):
    reference = StringField(
        "檔案主管機關的核准文號",
        description="例如：檔徵字第1150001234號。",
        filters=[clean],
        validators=[
            DataRequired("請填核准文號；沒有檔案主管機關的核准，不能銷毀。"),
            Length(max=80, message="核准文號最長 80 個字。"),
            PlainText(),
        ],
    )

    def validate_reference(self, field: StringField) -> None:
        fault = line_fault(field.data, "核准文號")
        if fault:
            raise ValidationError(fault)


class TakeOutForm(BaseForm):
    number = StringField(
        "要移出的案件編號",
        description="例如訴訟中、還要參考的案件。例如 115-000123。",
        filters=[clean],
        validators=[DataRequired("請輸入案件編號，例如 115-000123。")],
        render_kw={"autocomplete": "off"},
    )

    def validate_number(self, field: StringField) -> None:
        if not tidy_number(field.data):
            raise ValidationError("案件編號的格式不對，例如 115-000123。")
