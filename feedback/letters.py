"""A letter before it is a case, and the one set of rules that every way in must pass. No I/O."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass

from portal.forms import has_control
from portal.profile import Demand, Profile

MAX_NAME, MAX_PHONE, MAX_EMAIL = 80, 40, 254
# Words and signs joined by dots, and a domain of letters, digits and hyphens; other scripts may be in both.
# No `=?`: mail libraries take it for the beginning of an encoded word.
ATOM, LABEL = r"[\w!#$%&'*+/=?^`{|}~-]+", r"(?!-)(?:[^\W_]|-){1,63}(?<!-)"
EMAIL = re.compile(rf"(?!.*=\?){ATOM}(?:\.{ATOM})*@(?:{LABEL}\.)+(?=..){LABEL}")
PHONE = re.compile(r"[0-9０-９+()（）#\- 轉]{6,40}")
OFF = "本信箱不收集這一項，請留空白。"
CONTROL = "含有看不見的控制字元，請刪除後再送出（可以先貼到記事本再複製過來）。"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What a citizen wrote. All texts are already cleaned by `portal.forms.clean`."""

    subject: str
    body: str
    hint: str = ""
    county: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    channel: str = "web"

    @property
    def content_hash(self) -> str:
        """The same for the same words from the same sender."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def problems(letter: Letter, profile: Profile) -> dict[str, str]:
    """What is wrong with a letter, by field, in words for its writer; empty when it may be taken in."""
    intake = profile.intake
    found = {
        "subject": _text(letter.subject, "主旨", intake.max_subject) or line_fault(letter.subject, "主旨"),
        "body": _text(letter.body, "內容", intake.max_body),
        "name": _optional(letter.name, "姓名", MAX_NAME, intake.name) or line_fault(letter.name, "姓名"),
        "email": email_fault(letter.email, intake.contact),
        "phone": phone_fault(letter.phone, intake.contact),
        "hint": None if not letter.hint or profile.topic(letter.hint) else "請從清單選擇這封信是關於什麼。",
        "county": _county(letter.county, profile),
        "channel": None if _is_channel(letter.channel, profile) else "沒有這個來信管道。",
    }
    if intake.contact == "required" and not (letter.email or letter.phone):
        found["email"] = "請留下電子郵件或電話其中一項，我們才能答復您。"
    return {field: message for field, message in found.items() if message}


def county_name(text: str, profile: Profile) -> str:
    """A county as the profile spells it (台中市 → 臺中市); one it does not know stays as it is."""
    plain = text.replace("台", "臺")
    return next((item.name for item in profile.counties if item.name.replace("台", "臺") == plain), text)


def _text(value: str, label: str, longest: int) -> str | None:
    if not value:
        return f"請輸入{label}。"
    return _form(value, label, longest)


def _optional(value: str, label: str, longest: int, demand: Demand) -> str | None:
    if not value and demand == "required":
        return f"請輸入{label}。"
    if value and demand == "off":
        return OFF
    return _form(value, label, longest)


def _form(value: str, label: str, longest: int) -> str | None:
    if len(value) > longest:
        return f"{label}最長 {longest:,} 個字，您寫了 {len(value):,} 個字，請縮短後再送出。"
    return f"{label}{CONTROL}" if has_control(value) else None


def line_fault(value: str, label: str) -> str | None:
    """What is wrong with a text that must stand on one line; None when nothing is."""
    return f"{label}請寫成一行。" if "\n" in value or "\t" in value else None


def email_fault(value: str, demand: Demand) -> str | None:
    """What is wrong with an e-mail address as typed; None when nothing is."""
    if not value:
        return None
    if demand == "off":
        return OFF
    if len(value) > MAX_EMAIL or has_control(value) or not EMAIL.fullmatch(value):
        return "電子郵件的格式不對，例如 name@example.com。"
    return None


def phone_fault(value: str, demand: Demand) -> str | None:
    """What is wrong with a telephone number as typed; None when nothing is."""
    if value and demand == "off":
        return OFF
    if value and not PHONE.fullmatch(value):
        return "電話只能有數字和 + - ( ) # 轉，例如 02-1234-5678 轉 123。"
    return None


def _county(value: str, profile: Profile) -> str | None:
    if not value:
        return "請選擇縣市。" if profile.intake.county == "required" else None
    if profile.intake.county == "off":
        return OFF
    known = any(item.name == county_name(value, profile) for item in profile.counties)
    return None if known else "請從清單選擇縣市。"


def _is_channel(code: str, profile: Profile) -> bool:
    return any(channel.code == code for channel in profile.channels)
