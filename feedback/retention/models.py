"""Disposal of letters whose retention has ended: a plan, and its catalogue (銷毀目錄) that stays for good."""

from __future__ import annotations

import enum
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models import Case
from portal.clock import ROC_OFFSET, local
from portal.db import Model

ONCE = "outcome = 'destroyed'"


class PlanState(enum.Enum):
    PROPOSED = "待核准"
    APPROVED = "已核准，待執行"
    DONE = "已執行"
    WITHDRAWN = "已撤回"


class DisposalPlan(Model):
    """Letters to be destroyed together, with the retention that applied when the plan was made.

    A plan holds ordinary letters of all units, or the restricted letters of one unit (`unit_id`), so that
    a catalogue never tells of a letter that its reader may not know. `reference` is the number of the
    archives' consent (檔案法 §12).
    """

    __tablename__ = "disposal_plans"
    __table_args__ = (
        sa.CheckConstraint(
            "(approved_by IS NULL) = (approved_at IS NULL) AND (approved_by IS NULL) = (reference = '')",
            name="approval_is_whole",
        ),
        sa.CheckConstraint("approved_by IS NULL OR approved_by <> made_by", name="approved_by_another"),
        sa.CheckConstraint("withdrawn_at IS NULL OR approved_at IS NULL", name="approved_or_withdrawn"),
        sa.CheckConstraint(
            "finished_at IS NULL OR approved_at IS NOT NULL", name="carried_out_when_approved"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    restricted: Mapped[bool]
    unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("units.id"))
    as_of: Mapped[date]
    retention_years: Mapped[int]
    archive_class: Mapped[str] = mapped_column(sa.String(40))
    made_by: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    made_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    approved_at: Mapped[datetime | None]
    reference: Mapped[str] = mapped_column(sa.String(80), default="")
    withdrawn_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    items: Mapped[list[DisposalItem]] = relationship(
        back_populates="plan", lazy="raise_on_sql", order_by="DisposalItem.number"
    )

    @property
    def number(self) -> str:
        """As people write it: 銷115-0001."""
        return f"銷{local(self.made_at).year - ROC_OFFSET}-{self.id:04d}"

    @property
    def state(self) -> PlanState:
        if self.withdrawn_at is not None:
            return PlanState.WITHDRAWN
        if self.finished_at is not None:
            return PlanState.DONE
        return PlanState.APPROVED if self.approved_at is not None else PlanState.PROPOSED


class Outcome(enum.Enum):
    DESTROYED = "destroyed"
    KEPT = "kept"

    @property
    def label(self) -> str:
        return {"destroyed": "已銷毀", "kept": "未銷毀"}[self.value]


class DisposalItem(Model):
    """One letter of a plan: the catalogue line. `why` is the code of a reason for keeping it."""

    __tablename__ = "disposal_items"
    __table_args__ = (
        sa.CheckConstraint("(outcome IS NULL) = (outcome_at IS NULL)", name="outcome_has_time"),
        sa.CheckConstraint("outcome IS NULL OR (outcome = 'kept') = (why <> '')", name="kept_has_reason"),
        sa.Index(
            "uq_disposal_items_destroyed_once", "case_id", unique=True,
            sqlite_where=sa.text(ONCE), postgresql_where=sa.text(ONCE),
        ),
    )  # fmt: skip

    plan_id: Mapped[int] = mapped_column(sa.ForeignKey("disposal_plans.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True, index=True)
    number: Mapped[str] = mapped_column(sa.String(20))
    topic: Mapped[str] = mapped_column(sa.String(200))
    unit: Mapped[str] = mapped_column(sa.String(80))
    received_on: Mapped[date]
    closed_on: Mapped[date]
    keep_until: Mapped[date]
    outcome: Mapped[Outcome | None]
    outcome_at: Mapped[datetime | None]
    why: Mapped[str] = mapped_column(sa.String(32), default="")

    plan: Mapped[DisposalPlan] = relationship(back_populates="items", lazy="raise_on_sql")
    case: Mapped[Case] = relationship(lazy="raise_on_sql")


WHY = {
    "taken-out": "由同仁移出計畫",
    "not-due": "保存年限尚未屆滿",
    "open": "尚未結案",
    "request": "有尚未決定的個人資料請求",
    "moved": "限閱與否或單位已改變",
    "destroyed": "已在別的計畫銷毀",
}
