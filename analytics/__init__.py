"""What the letters and answers say: topics, summaries, trends, improvements."""

from __future__ import annotations

from flask import Flask

from analytics import models as models
from analytics import resources
from analytics.checks import can_suggest, classifier_check
from analytics.models import HotIssue, HotIssueLetter
from analytics.views.improvements import improvements
from analytics.views.issues import issues as issue_pages
from analytics.views.models import models as model_pages
from analytics.views.summaries import summaries
from analytics.views.trends import trends
from feedback.retention import holdings
from portal import guide, health, nav
from portal.access import Permission, Role
from portal.cli import LazyGroup
from portal.guide import Tip
from portal.jobs import Job, register
from portal.nav import Entry


def init_app(app: Flask) -> None:
    resources.init_app(app)
    for blueprint in (summaries, trends, improvements, issue_pages, model_pages):
        app.register_blueprint(blueprint)
    app.cli.add_command(
        LazyGroup("analytics", module="analytics.cli", attribute="analytics", help="分類與評測。")
    )
    app.cli.add_command(
        LazyGroup("demo", module="analytics.demo_cli", attribute="demo_cli", help="展示環境。")
    )
    register(
        app,
        Job(
            "suggest-topics", "建議主題", "analytics.jobs:suggest_topics",
            {"second": "*/3"}, has_work=can_suggest,
        ),
        Job(
            "read-comments", "判讀問卷意見", "analytics.jobs:read_comments",
            {"minute": "*/5"},
        ),
        Job(
            "watch-issues", "尋找熱點", "analytics.jobs:watch_issues",
            {"minute": "*/5"},
        ),
        Job(
            "retrain", "重新訓練", "analytics.jobs:retrain",
            {"day_of_week": "sun", "hour": "3"},
        ),
        Job(
            "unit-summary", "單位月摘要", "analytics.jobs:unit_summaries",
            {"hour": "6"},
        ),
    )  # fmt: skip
    health.add(app, classifier_check)
    holdings.add(
        app,
        # How many and when stays; the words came from the letters.
        holdings.blank(HotIssue.root_case_id, label=holdings.GONE, words=[]),
        holdings.keep(HotIssueLetter.__tablename__, "只有編號，沒有內容"),
    )
    nav.add(
        app,
        Entry("熱點", "issues.index", "fire", Permission.SUMMARY_READ, 35),
        Entry("單位摘要", "summaries.index", "journal-text", Permission.SUMMARY_READ, 40),
        Entry("滿意度趨勢", "trends.show", "graph-up", Permission.TREND_READ, 50),
        Entry("改善措施", "improvements.index", "arrow-repeat", Permission.SUMMARY_READ, 60),
        Entry("分類品質", "models.watch", "clipboard-data", Permission.STAFF, 70),
        Entry("分類模型", "models.index", "cpu", Permission.SYSTEM, 80),
    )
    guide.add_tips(app, *_tips())


def _tips() -> list[Tip]:
    readers = frozenset({Role.HANDLER, Role.HEAD, Role.SECRETARIAT, Role.ETHICS})
    return [
        Tip(
            readers, "看看這個月聽見了什麼", "摘要有收到、答復、逾期的信和代表性的句子；數字連到原本的信。",
            "summaries.index", 15,
        ),
        Tip(
            frozenset({Role.SECRETARIAT}), "看滿意度的走勢",
            "按月份、單位、服務別看滿意度；每個數字旁邊都有有效樣本數。", "trends.show", 20,
        ),
        Tip(
            frozenset({Role.HEAD, Role.SECRETARIAT}), "把意見變成改善",
            "登記一項改善措施和預定完成日；完成後填報成效，會進到單位摘要。", "improvements.index", 50,
        ),
        Tip(
            frozenset({Role.HANDLER, Role.ETHICS}), "看單位改了什麼",
            "改善措施列出民眾的意見、怎麼改、什麼時候完成、成效如何。", "improvements.index", 55,
        ),
        Tip(
            frozenset({Role.ADMIN}), "檢查分類模型",
            "看使用中的模型幾分；比較差的新版本在這裡等您決定，也能換回前一版。", "models.index", 20,
        ),
    ]  # fmt: skip
