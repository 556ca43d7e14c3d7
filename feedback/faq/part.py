"""What published answers register: pages and menus, and that disposal leaves them."""

from __future__ import annotations

from flask import Flask

from feedback.faq.desk import faq_desk
from feedback.faq.models import FaqEntry
from feedback.faq.pages import faq
from feedback.retention import holdings
from portal import guide, nav
from portal.access import Permission
from portal.guide import Doorway
from portal.nav import Entry


def init_app(app: Flask) -> None:
    app.register_blueprint(faq)
    app.register_blueprint(faq_desk)
    holdings.add(app, holdings.keep(FaqEntry.__tablename__, "公開的答案，不含個人資料"))
    guide.add_doorways(
        app,
        Doorway(
            "常見問題",
            "很多事已經有答案，找找看，不必等。",
            "faq.index",
            "patch-question",
            "找答案",
            order=15,
        ),
    )
    nav.add(
        app,
        Entry("常見問題", "faq.index", "patch-question", order=15),
        Entry("常見問題", "faq_desk.index", "patch-question", Permission.CASE_REPLY, order=15),
    )
