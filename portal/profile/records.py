"""What the law on personal data and on archives asks of the agency, as data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from portal.profile.parts import Deadline, Part


class RightsDeadline(Deadline):
    """Days to decide a personal-data request, and by how many more it may be extended once."""

    extension: int = Field(ge=0, le=365)


class DataRights(Part):
    """Requests about one's own personal data (個人資料保護法 §3, §10, §11, §13).

    `access` is the clock of 查詢、閱覽、複製本, `change` that of 補充、更正、停止、刪除. What is disclosed
    stays on the requester's page for `disclosed_days`. `remedy` says what somebody may do against a
    refusal; it is shown only when the agency has written it.
    """

    access: RightsDeadline = RightsDeadline(
        days=15, extension=15, basis="calendar", source="個人資料保護法第13條第1項"
    )
    change: RightsDeadline = RightsDeadline(
        days=30, extension=30, basis="calendar", source="個人資料保護法第13條第2項"
    )
    disclosed_days: int = Field(default=30, ge=1, le=90)
    remedy: str = ""


class Retention(Part):
    """How long closed letters are kept (檔案法 §12; the periods of 機關檔案保存年限及銷毀辦法 §4).

    While `years` is empty or not `confirmed`, or when it is "permanent", nothing is ever disposed of.
    `mail_days` and `key_days` are for what is not a record: the texts of mails that were sent, and the keys
    by which a repeated submission is recognised.
    """

    years: Literal[1, 3, 5, 10, 15, 20, 25, 30, "permanent"] | None = None
    archive_class: str = Field(default="", max_length=40)
    source: str = ""
    confirmed: bool = False
    mail_days: int = Field(default=180, ge=30, le=3650)
    key_days: int = Field(default=30, ge=1, le=365)

    @property
    def disposable_after(self) -> int | None:
        """Full years after the year of closing; None when nothing may be disposed of."""
        return self.years if isinstance(self.years, int) and self.confirmed else None

    @property
    def label(self) -> str:
        """The period as the archives write it, always with its unit: 10年, 永久."""
        if self.years is None:
            return "未訂定"
        return "永久" if self.years == "permanent" else f"{self.years}年"
