"""A citizen's letter and its answer."""

from __future__ import annotations

from flask import Flask

from feedback import channel_models as channel_models
from feedback import models as models
from feedback import retention, rights, staff_part
from feedback import search_models as search_models
from feedback.attachments import part as attachments_part
from feedback.faq import part as faq_part
from feedback.views.api import api, describe
from feedback.views.files import files
from feedback.views.public import feedback
from portal import guide, nav
from portal.app import csrf
from portal.guide import Doorway
from portal.nav import Entry


def init_app(app: Flask) -> None:
    app.register_blueprint(feedback)
    app.register_blueprint(files)
    app.register_blueprint(api)
    csrf.exempt(api)
    describe(app)
    guide.add_doorways(
        app,
        Doorway(
            "寫信給我們", "提問、建議、申訴或檢舉，都可以寫在這裡。不必註冊帳號。",
            "feedback.new", "pencil-square", "開始寫信", order=10,
        ),
        Doorway(
            "查詢來信進度", "用案件編號與查詢密碼，看看處理到哪裡、答復是什麼。",
            "feedback.track", "search", "查詢進度", order=20,
        ),
    )  # fmt: skip
    nav.add(
        app,
        Entry("寫信給我們", "feedback.new", "pencil-square", order=10),
        Entry("查詢來信進度", "feedback.track", "search", order=20),
    )
    staff_part.init_app(app)
    rights.init_app(app)
    retention.init_app(app)
    attachments_part.init_app(app)
    faq_part.init_app(app)
