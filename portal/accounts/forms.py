"""Forms of the sign-in pages."""

from __future__ import annotations

from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from portal.forms import BaseForm, PlainText, clean


class SignInForm(BaseForm):
    username = StringField(
        "帳號",
        filters=[clean],
        validators=[DataRequired("請輸入帳號。"), Length(max=64, message="帳號最長 64 個字。"), PlainText()],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        "密碼",
        validators=[DataRequired("請輸入密碼。"), Length(max=200, message="密碼最長 200 個字。")],
        render_kw={"autocomplete": "current-password"},
    )


class ChangePasswordForm(BaseForm):
    old = PasswordField(
        "目前的密碼",
        validators=[DataRequired("請輸入目前的密碼。"), Length(max=200)],
        render_kw={"autocomplete": "current-password"},
    )
    new = PasswordField(
        "新密碼",
        description="至少 12 個字元，不能全是數字或全是英文字母。可以貼上密碼管理工具產生的密碼。",
        validators=[DataRequired("請輸入新密碼。"), Length(max=200)],
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        "再輸入一次新密碼",
        validators=[DataRequired("請再輸入一次新密碼。"), EqualTo("new", "兩次輸入的新密碼不同。")],
        render_kw={"autocomplete": "new-password"},
    )
