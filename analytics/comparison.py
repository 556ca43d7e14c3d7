"""A version's comparison with the one it was held against, as a person reads it. Pure functions.

They read what training left in the manifest (see `analytics.services.training`), without its libraries.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from analytics.models import ClassifierVersion
from portal.profile import Profile

PARTS = {"frozen": "固定比對的信", "newest": "最近確認的信"}
"""The two sets of letters that a candidate is judged by."""


class Standing(enum.Enum):
    """Where a version stands."""

    ACTIVE = "使用中"
    WAITING = "等待決定"
    SET_ASIDE = "保留不用"
    EARLIER = "曾使用"


TONES = {
    Standing.ACTIVE: "success",
    Standing.WAITING: "warning",
    Standing.SET_ASIDE: "neutral",
    Standing.EARLIER: "neutral",
}


def standing(version: ClassifierVersion) -> Standing:
    if version.active:
        return Standing.ACTIVE
    if version.activated_at is not None:
        return Standing.EARLIER
    return Standing.SET_ASIDE if version.manifest.get("set_aside") else Standing.WAITING


@dataclass(frozen=True)
class Part:
    """Both versions on the same letters. `candidate` and `active` hold n, accuracy, macro_f1, interval and
    per_topic; `active` is None when there was nothing to compare with."""

    name: str
    n: int
    worse: bool
    candidate: Mapping[str, Any]
    active: Mapping[str, Any] | None
    lost: int
    gained: int

    @property
    def noise(self) -> float:
        """One standard error of `lost - gained`, as in `analytics.metrics.Difference`."""
        return math.sqrt(self.lost + self.gained)

    @property
    def verdict(self) -> str:
        """In words how many letters more or fewer are wrong, and whether that is more than chance."""
        if not self.n:
            return "沒有可以比對的信。"
        if self.active is None:
            return "沒有可以比對的使用中版本。"
        more = self.lost - self.gained
        if more == 0:
            return "和使用中的版本錯得一樣多。"
        many = f"比使用中的版本{'多' if more > 0 else '少'}錯 {abs(more):,} 封"
        if abs(more) > self.noise:
            return f"{many}，超過一個標準誤（{self.noise:.1f} 封）。"
        return f"{many}，在一個標準誤（{self.noise:.1f} 封）之內，可能只是巧合。"

    @property
    def topics(self) -> list[str]:
        """The topics that occur among the letters."""
        return list(self.candidate.get("per_topic", {}))


def parts(version: ClassifierVersion) -> list[Part]:
    """The comparison made when the version was trained; empty for versions from before there was one."""
    stored = version.manifest.get("comparison")
    return [_part(name, stored[name]) for name in PARTS] if stored else []


def _part(name: str, found: Mapping[str, Any]) -> Part:
    return Part(
        name=name, n=found["n"], worse=found["worse"], candidate=found["candidate"],
        active=found.get("active"), lost=found.get("lost", 0), gained=found.get("gained", 0),
    )  # fmt: skip


def against(version: ClassifierVersion) -> str | None:
    """The version that was active when this one was trained."""
    found: str | None = (version.manifest.get("comparison") or {}).get("against")
    return found


def reasons(version: ClassifierVersion, rival: ClassifierVersion | None) -> list[str]:
    """Why a version was not put to work by itself, one sentence each; `rival` is what it was held against."""
    found = parts(version)
    if not found:
        return ["這個版本是在有比對功能之前訓練的，沒有比對資料。"]
    worse = [f"{PARTS[part.name]}（n＝{part.n:,}）：{part.verdict}" for part in found if part.worse]
    if worse or any(part.n for part in found) or rival is None:
        return worse
    own, other = (100 * float(item.manifest["scores"].get("macro_f1") or 0.0) for item in (version, rival))
    if own >= other:
        return []
    return [
        f"沒有可以比對的信，改看交叉驗證：各主題平均 F1 是 {own:.1f}%，"
        f"比使用中的版本（{other:.1f}%）低 {other - own:.1f} 個百分點。"
    ]


def in_order(codes: Collection[str], profile: Profile) -> list[str]:
    """Topics as the profile orders them; those that have left it come last."""
    known = [topic.code for topic in profile.topics if topic.code in codes]
    return known + sorted(set(codes) - set(known))
