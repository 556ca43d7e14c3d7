"""What requesters and staff read about a request: states, deadlines, legal grounds. No I/O."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from feedback.rights.models import PREFIX, DataRequest, Result, RightKind
from feedback.staff_words import SOON_DAYS, Due
from portal.clock import last_day, local_date, roc_date, roc_deadline
from portal.profile import Profile
from portal.profile.records import RightsDeadline

FIELDS = {"name": "姓名", "email": "電子郵件", "phone": "電話"}
ALL = frozenset(RightKind)
ACCESS = frozenset(kind for kind in RightKind if kind.is_access)
NUMBER = re.compile(rf"{PREFIX}?([0-9]{{2,3}})[-‐-―−]?([0-9]{{4,9}})")

RECORD_STAYS = (
    "信件與答復是依法登記的檔案，保存年限屆滿前不得銷毀（檔案法第12條），所以只刪除聯絡資料，不刪除信件內容。"
)


@dataclass(frozen=True)
class Ground:
    """Why the law allows a request to be refused, and for which rights it may be used."""

    text: str
    kinds: frozenset[RightKind]


GROUNDS = {
    "identity": Ground("無法確認請求人就是資料當事人（個人資料保護法第3條）", ALL),
    "not-held": Ground("本機關沒有保有所請求的資料（個人資料保護法第3條）", ALL),
    "pdpa-10-1": Ground("妨害國家重大利益（個人資料保護法第10條第1款）", ACCESS),
    "pdpa-10-2": Ground("妨害公務機關執行法定職務（個人資料保護法第10條第2款）", ACCESS),
    "pdpa-10-3": Ground("妨害本機關或第三人的重大利益（個人資料保護法第10條第3款）", ACCESS),
    "pdpa-11-1": Ground("經查證資料正確（個人資料保護法第11條第1項）", frozenset({RightKind.CORRECT})),
    "pdpa-11-2": Ground(
        "正確性有爭議，但執行職務所必須，並已註明爭議（個人資料保護法第11條第2項但書）",
        frozenset({RightKind.CORRECT, RightKind.STOP}),
    ),
    "pdpa-11-3": Ground(
        "執行職務所必須（個人資料保護法第11條第3項但書）",
        frozenset({RightKind.STOP, RightKind.DELETE}),
    ),
    "archives-12": Ground(
        "屬依法應保存的檔案（檔案法第12條）", frozenset({RightKind.CORRECT, RightKind.DELETE})
    ),
}


def grounds_for(kind: RightKind) -> dict[str, str]:
    """The grounds that may be given for refusing this right, as code and text."""
    return {code: ground.text for code, ground in GROUNDS.items() if kind in ground.kinds}


def deadline_of(kind: RightKind, profile: Profile) -> RightsDeadline:
    """The clock that the law gives this right."""
    return profile.data_rights.access if kind.is_access else profile.data_rights.change


def tidy_number(typed: str) -> str:
    """A request's number as it is stored; empty when it cannot be one."""
    found = NUMBER.fullmatch("".join(unicodedata.normalize("NFKC", typed).split()))
    return f"{PREFIX}{found[1]}-{found[2]}" if found else ""


def state(request: DataRequest) -> tuple[str, str]:
    """Where a request stands, and the tone to say it in."""
    if request.result is not None:
        return request.result.label, "neutral" if request.result is Result.REFUSED else "success"
    return ("辦理中", "info") if request.verified_at else ("待核對身分", "warning")


def explain(request: DataRequest, profile: Profile, now: datetime) -> str:
    """Where a request stands, in a sentence for its requester."""
    due = roc_deadline(request.due_at)
    if request.result is not None:
        return f"我們在{roc_date(request.decided_at or now)}作成決定：{request.result.label}。"
    if request.is_overdue(now):
        return f"很抱歉，原訂 {due}前決定，目前仍在處理。您可以來電詢問{_phone(profile)}。"
    if request.verified_at is None:
        return f"我們會先和您聯絡，確認您就是資料的當事人；最晚 {due}前決定。"
    return f"我們正在處理，最晚 {due}前決定。"


def _phone(profile: Profile) -> str:
    return f"（{profile.phone}）" if profile.phone else ""


def due(request: DataRequest, now: datetime) -> Due:
    """How a request stands to its deadline, for the staff's list."""
    final = last_day(request.due_at)
    if request.decided_at is not None:
        late = request.decided_at > request.due_at
        decided = roc_date(request.decided_at)
        return Due("逾期決定", "warning", decided) if late else Due("已決定", "success", decided)
    left, day = (final - local_date(now)).days, roc_deadline(request.due_at)
    if request.is_overdue(now):
        return Due(f"逾期 {-left} 天" if left < 0 else "今天逾期", "danger", day)
    tone = "warning" if left <= SOON_DAYS else "neutral"
    return Due(f"剩 {left} 天" if left else "今天到期", tone, day)
