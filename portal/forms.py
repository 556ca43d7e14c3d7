"""What every form shares: Traditional Chinese messages, clean text, a trap for robots."""

from __future__ import annotations

import re
import unicodedata

from flask_wtf import FlaskForm
from wtforms import Form, StringField, TextAreaField
from wtforms.fields.core import Field
from wtforms.validators import DataRequired, Length, ValidationError

# Direction marks and other invisible formatting that can hide or reorder what a reader sees.
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
LINE_ENDS = re.compile(r"\r\n?|\u2028|\u2029")


def clean(text: str | None) -> str:
    """Text as it is kept: one kind of line end, no invisible marks, no space around it."""
    if not text:
        return ""
    return INVISIBLE.sub("", LINE_ENDS.sub("\n", str(text))).strip()


def has_control(text: str) -> bool:
    """True for NUL and other control characters, which no keyboard types, and for broken Unicode."""
    return any(unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\t" for char in text)


class PlainText:
    """WTForms validator: refuses control characters, which come from broken files or attacks."""

    def __call__(self, form: Form, field: Field) -> None:
        if has_control(field.data or ""):
            raise ValidationError("含有看不見的控制字元，請刪除後再送出（可以先貼到記事本再複製過來）。")


def long_text(label: str, *, empty: str, longest: int = 1000, description: str = "") -> TextAreaField:
    """A required field of several lines; `empty` says what to write when nothing was."""
    return TextAreaField(
        label,
        description=description,
        filters=[clean],
        validators=[
            DataRequired(empty),
            Length(max=longest, message=f"{label}最長 {longest:,} 個字，請縮短後再送出。"),
            PlainText(),
        ],
    )


class BaseForm(FlaskForm):
    """A form with CSRF, a honeypot and messages in Traditional Chinese.

    `website` is hidden from people; a robot that fills it gets the same page back.
    """

    class Meta(FlaskForm.Meta):
        locales = ("zh_TW",)

    website = StringField("網站（請勿填寫）", render_kw={"autocomplete": "off", "tabindex": "-1"})

    def validate_website(self, field: StringField) -> None:
        if field.data:
            raise ValidationError("請讓這一欄空白。")
