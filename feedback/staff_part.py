"""What the staff's side registers: pages, menu, first steps, jobs, the import command."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask import Flask, current_app

from feedback import waiting
from feedback.channel_models import IntakeDraft, SecretLink
from feedback.models import Case, Presence
from feedback.services import entering, presence, secret_links
from feedback.services.search_index import has_waiting
from feedback.views.consultations import consultations
from feedback.views.entering import desk
from feedback.views.search import search
from feedback.views.staff import cases
from feedback.views.triage import triage
from portal import guide, nav, sweep
from portal.access import Permission, Role
from portal.audit import AuditEvent
from portal.audit.part import protect
from portal.calendars import on_change
from portal.cli import LazyGroup
from portal.guide import Tip
from portal.jobs import Job, register
from portal.nav import Entry
from portal.outbox import has_due
from portal.sweep import Sweep


def init_app(app: Flask) -> None:
    app.register_blueprint(cases)
    app.register_blueprint(triage)
    app.register_blueprint(consultations)
    app.register_blueprint(desk)
    app.register_blueprint(search)
    commands = LazyGroup("feedback", module="feedback.cli", attribute="feedback_cli", help="民眾來信。")
    app.cli.add_command(commands)
    nav.add(
        app,
        Entry("信件", "cases.inbox", "envelope", Permission.CASE_READ, order=10),
        Entry("分文台", "triage.desk", "signpost-split", Permission.CASE_REPLY, order=11),
        Entry("會辦", "consultations.index", "people", Permission.CASE_REPLY, order=12),
        Entry("代民眾登錄", "entering.new", "telephone-inbound", Permission.CASE_REPLY, order=13),
        Entry("搜尋", "search.results", "search", Permission.CASE_READ, order=14),
    )
    guide.add_tips(app, *_tips())
    guide.add_todos(app, waiting.todos)
    on_change(app, "feedback.jobs:calendar_changed")
    hidden = sa.exists().where(Case.number == AuditEvent.object_id, Case.restricted.is_(sa.true()))
    protect(app, "case", hidden)
    register(
        app,
        Job(
            "overdue-reminder", "提醒到期信件", "feedback.jobs:remind_overdue",
            {"hour": "8", "minute": "30"},
        ),
        Job(
            "end-waiting", "繼續計算逾期未補陳的期限", "feedback.jobs:end_waiting",
            {"hour": "0", "minute": "20"},
        ),
        Job(
            "close-answered", "結案已答復的信", "feedback.jobs:close_answered",
            {"hour": "1", "minute": "10"},
        ),
        Job(
            "index-letters", "讓新的信與答復找得到", "feedback.services.search_index:index_waiting",
            {"second": "*/3"}, has_work=has_waiting,
        ),
        Job(
            "tidy-search", "整理搜尋索引", "feedback.services.search_index:tidy",
            {"hour": "3", "minute": "50"},
        ),
        Job("deliver-mail", "寄出郵件", "portal.outbox:deliver", {"second": "*/5"}, has_work=has_due),
        Job("fetch-mail", "收取來信郵件", "feedback.mailjob:fetch", {"minute": "*/5"}, has_work=has_source),
    )  # fmt: skip
    sweep.register(
        app,
        Sweep("intake-drafts", "逾期的登錄草稿", IntakeDraft, entering.is_stale),
        Sweep("secret-links", "逾期的取密碼連結", SecretLink, secret_links.is_stale),
        Sweep("presence", "誰開著信的紀錄", Presence, presence.is_stale),
    )


def has_source(_now: datetime) -> bool:
    """Whether this installation fetches mail."""
    return bool(current_app.config["QINGTING"].mail_in_url)


def _tips() -> list[Tip]:
    answering = frozenset({Role.HANDLER, Role.HEAD, Role.SECRETARIAT, Role.ETHICS})
    return [
        Tip(
            answering, "看待辦的信", "快到期的排在最前面；按「逾期」「緊急」的數字，只看那些信。",
            "cases.inbox", 10,
        ),
        Tip(
            frozenset({Role.HANDLER}), "確認主題，再答復",
            "打開一封信，系統建議的主題對就按一下確認，不對就更正；信會自己移到負責的單位。",
            "cases.inbox", 11,
        ),
        Tip(
            frozenset({Role.HEAD}), "把信交給同仁",
            "打開一封信，在「承辦」選一位同仁；到期前系統會寄信提醒承辦人。", "cases.inbox", 11,
        ),
        Tip(
            frozenset({Role.SECRETARIAT}), "分文：處理系統不確定的信",
            "系統最沒把握的排在最前面；按一下主題就確認，信會自己移到負責的單位，系統也跟著學。",
            "triage.desk", 11,
        ),
        Tip(
            frozenset({Role.ETHICS}), "看限閱的信",
            "標示「限閱」的信只有有權限的同仁看得到；不必限閱的，更正主題就會移出。", "cases.inbox", 11,
        ),
    ]  # fmt: skip
