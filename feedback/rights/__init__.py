"""Personal-data requests (個人資料保護法 §3, §10, §11, §13): form, clock, decision, and what it changes."""

from __future__ import annotations

from flask import Flask

from feedback.rights import models as models
from feedback.rights.desk import data_requests
from feedback.rights.disclosure import SECTIONS, register
from feedback.rights.pages import rights
from portal import guide, nav
from portal.access import Permission
from portal.guide import Doorway
from portal.jobs import Job
from portal.jobs import register as register_jobs
from portal.nav import Entry


def init_app(app: Flask) -> None:
    app.register_blueprint(rights)
    app.register_blueprint(data_requests)
    register(app, *SECTIONS)
    guide.add_doorways(
        app,
        Doorway(
            "個人資料請求", "查詢、更正、停止使用或刪除我們保存的您的資料。",
            "rights.new", "person-lock", "提出請求", order=60,
        ),
    )  # fmt: skip
    nav.add(app, Entry("個資請求", "data_requests.index", "person-lock", Permission.DATA_RIGHTS, order=45))
    register_jobs(
        app,
        Job(
            "data-request-reminder", "提醒到期的個資請求", "feedback.rights.jobs:remind",
            {"hour": "8", "minute": "35"},
        ),
    )  # fmt: skip
