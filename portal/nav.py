"""Menu entries that features register, with the permission each needs."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, g, request, url_for

from portal.access import Permission


@dataclass(frozen=True)
class Entry:
    """One menu line. `permission` None means the public menu."""

    label: str
    endpoint: str
    icon: str
    permission: Permission | None = None
    order: int = 50


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    icon: str
    active: bool


def add(app: Flask, *entries: Entry) -> None:
    app.extensions.setdefault("nav", []).extend(entries)


def _links(staff: bool) -> list[Link]:
    user = g.get("user")
    entries: list[Entry] = sorted(current_app.extensions.get("nav", []), key=lambda entry: entry.order)
    return [
        Link(entry.label, url_for(entry.endpoint), entry.icon, request.endpoint == entry.endpoint)
        for entry in entries
        if (entry.permission is not None) == staff
        and (entry.permission is None or (user is not None and user.may(entry.permission)))
    ]


def init_app(app: Flask) -> None:
    @app.context_processor
    def _menus() -> dict[str, list[Link]]:
        return {"nav_public": _links(staff=False), "nav_staff": _links(staff=True) if g.get("user") else []}
