"""Texts to begin an answer or a notice with."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import field_validator

from portal.profile.parts import Code, Part, Text

FIELDS = ("案件編號", "主旨", "收到日", "期限", "主題", "單位", "承辦人", "電話")
"""What may stand in braces in a template and is filled in from the letter."""

FIELD = re.compile(r"\{([^{}]*)\}")


class ReplyTemplate(Part):
    """A text for one kind of act, for one topic or (without `topic`) for all, in one language.

    `{案件編號}` and the other `FIELDS` are filled in; anything else to be written by hand is shown as ○○○,
    which the check before sending looks for.
    """

    title: Text
    kind: Literal["answer", "interim", "ask_citizen", "extend", "decline", "refer"] = "answer"
    topic: Code | None = None
    language: Literal["zh", "en"] = "zh"
    body: Text

    @field_validator("body")
    @classmethod
    def _knows_its_fields(cls, body: str) -> str:
        unknown = [name for name in FIELD.findall(body) if name not in FIELDS]
        if unknown:
            raise ValueError(f"不認得的欄位 {{{unknown[0]}}}；可以用 {'、'.join(FIELDS)}")
        return body
