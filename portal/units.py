"""The agency's units as a tree, kept in step with the profile."""

from __future__ import annotations

import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.db import Model, db, transaction
from portal.profile import Profile


class UnitKind(enum.Enum):
    AGENCY = "agency"
    HEADQUARTERS = "headquarters"
    BRANCH = "branch"


class Unit(Model):
    """A part of the agency that answers letters. Units are never deleted, only made inactive."""

    __tablename__ = "units"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(32), unique=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    kind: Mapped[UnitKind]
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("units.id"))
    position: Mapped[int] = mapped_column(default=0)
    email: Mapped[str] = mapped_column(sa.String(200), default="")
    active: Mapped[bool] = mapped_column(default=True)


def answering_units() -> list[Unit]:
    """Units that may own a letter, in the profile's order."""
    wanted = sa.select(Unit).where(Unit.active, Unit.kind != UnitKind.AGENCY).order_by(Unit.position)
    return list(db.session.scalars(wanted))


def unit_by_code(session: Session, code: str) -> Unit:
    return session.scalars(sa.select(Unit).where(Unit.code == code)).one()


def sync_units(profile: Profile) -> int:
    """Bring the unit table in step with the profile; return how many units it now has.

    A unit that left the profile stays, inactive: old letters still belong to it.
    """
    with transaction() as session:
        known = {unit.code: unit for unit in session.scalars(sa.select(Unit))}
        root = known.get(profile.code) or Unit(code=profile.code, kind=UnitKind.AGENCY)
        root.name, root.position = profile.name, 0
        session.add(root)
        session.flush()
        for position, spec in enumerate(profile.units, start=1):
            unit = known.get(spec.code) or Unit(code=spec.code)
            unit.name, unit.kind, unit.email = spec.name, UnitKind(spec.kind), spec.email
            unit.parent_id, unit.position, unit.active = root.id, position, True
            session.add(unit)
        current = {profile.code, *(spec.code for spec in profile.units)}
        for code, unit in known.items():
            unit.active = code in current
    return len(profile.units)
