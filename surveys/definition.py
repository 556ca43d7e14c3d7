"""A questionnaire as data, before it is published."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from surveys.models import QuestionKind


@dataclass(frozen=True)
class Option:
    """One answer that may be chosen. `name` is shown as it stands."""

    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class QuestionSpec:
    """One question; the fields mean what they mean in `surveys.models.Question`."""

    code: str
    kind: QuestionKind
    label: str
    section: str = ""
    help: str = ""
    role: str | None = None
    required: bool = False
    options: tuple[Option, ...] = ()

    def as_columns(self) -> dict[str, Any]:
        return asdict(self) | {"options": [asdict(option) for option in self.options]}


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A whole questionnaire. Raises ValueError when two questions share a code."""

    slug: str
    title: str
    intro: str
    questions: tuple[QuestionSpec, ...]

    def __post_init__(self) -> None:
        codes = [question.code for question in self.questions]
        repeated = sorted({code for code in codes if codes.count(code) > 1})
        if repeated:
            raise ValueError(f"題目代碼重複：{'、'.join(repeated)}")

    @property
    def digest(self) -> str:
        """The same for the same questions in the same words and order; title and introduction aside."""
        asked = [question.as_columns() | {"kind": question.kind.value} for question in self.questions]
        return hashlib.sha256(json.dumps(asked, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
