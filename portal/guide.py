"""What features put on shared pages: the home page's entries and the first steps for each role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, current_app

from portal.access import Actor, Role

TIPS_SHOWN = 5


@dataclass(frozen=True)
class Doorway:
    """One thing a citizen can do, on the home page and in the site map."""

    title: str
    text: str
    endpoint: str
    icon: str
    action: str
    order: int = 50
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Tip:
    """One line of "what to try first" for the roles named."""

    roles: frozenset[Role]
    title: str
    text: str
    endpoint: str
    order: int = 50


@dataclass(frozen=True)
class Todo:
    """So many things of one kind wait for a person; the endpoint's page shows them."""

    label: str
    count: int
    endpoint: str
    values: tuple[tuple[str, str], ...] = ()


Counter = Callable[[Actor, datetime], list[Todo]]


def add_todos(app: Flask, *counters: Counter) -> None:
    """Features say what waits for the person who has signed in."""
    app.extensions.setdefault("todos", []).extend(counters)


def todos_for(actor: Actor, now: datetime) -> list[Todo]:
    """Everything that waits for a person, in the order in which the features were added."""
    counters: list[Counter] = current_app.extensions.get("todos", [])
    return [todo for counter in counters for todo in counter(actor, now)]


def add_doorways(app: Flask, *doorways: Doorway) -> None:
    app.extensions.setdefault("doorways", []).extend(doorways)


def add_tips(app: Flask, *tips: Tip) -> None:
    app.extensions.setdefault("tips", []).extend(tips)


def doorways() -> list[Doorway]:
    return sorted(current_app.extensions.get("doorways", []), key=lambda item: item.order)


def tips_for(role: Role) -> list[Tip]:
    """The first few things for a role to try; more than TIPS_SHOWN would not be read."""
    found: list[Tip] = [tip for tip in current_app.extensions.get("tips", []) if role in tip.roles]
    return sorted(found, key=lambda tip: tip.order)[:TIPS_SHOWN]
