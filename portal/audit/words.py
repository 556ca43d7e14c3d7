"""The trail in words: one table of actions and one of the things they are done to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from portal.audit.queries import Shown

ACTIONS = {
    "account.added": "新增帳號",
    "account.deactivated": "停用帳號",
    "account.password_changed": "變更密碼",
    "account.password_refused": "變更密碼被拒",
    "account.password_reset": "重設密碼",
    "account.sign_in_refused": "登入被拒",
    "account.signed_in": "登入",
    "account.signed_out": "登出",
    "audit.exported": "匯出稽核紀錄",
    "audit.verified": "驗證稽核紀錄",
    "calendar.day_entered": "辦公日曆加入一天",
    "calendar.day_removed": "辦公日曆移除一天",
    "calendar.imported": "匯入辦公日曆表",
    "case.answered": "答復來信",
    "case.approved": "核可答復稿",
    "case.asked_citizen": "請來信人補充",
    "case.assigned": "指派承辦人",
    "case.attachment_read": "下載附件",
    "case.closed": "結案",
    "case.consultation_dropped": "取消會辦",
    "case.consulted": "請別的單位會辦",
    "case.contact_viewed": "查看聯絡資料",
    "case.declined": "不予處理",
    "case.destroyed": "銷毀來信",
    "case.dispatched": "分文",
    "case.draft_saved": "存答復稿",
    "case.entered": "代民眾登錄",
    "case.escalated": "通報緊急來信",
    "case.extended": "展延期限",
    "case.identity_opened": "開啟受保護的身分",
    "case.imported": "匯入來信",
    "case.interim": "初步回復",
    "case.merged": "併案",
    "case.opened": "收件",
    "case.opinion_given": "提供會辦意見",
    "case.recalled": "抽回答復稿",
    "case.referred": "移轉他機關",
    "case.reopened": "重新辦理",
    "case.rescheduled": "重算期限",
    "case.returned": "退回答復稿",
    "case.secret_issued": "重給查詢密碼",
    "case.separated": "取消併案",
    "case.submitted": "送核答復稿",
    "case.suggestion_declined": "不採用建議主題",
    "case.supplemented": "來信人補充",
    "case.topic_confirmed": "確認主題",
    "case.transfer_cancelled": "取消移轉",
    "case.transfer_proposed": "請別的單位收件",
    "case.transfer_refused": "不同意收件",
    "case.transferred": "移轉",
    "case.urgency_judged": "判斷是否緊急",
    "case.voice_set": "確認性質",
    "case.waiting_ended": "不再等補充",
    "case.withdrawn": "來信人撤回",
    "classifier.activated": "啟用分類模型",
    "classifier.registered": "登記分類模型",
    "classifier.set_aside": "不採用候選模型",
    "data_request.decided": "決定個人資料請求",
    "data_request.disclosed": "提供個人資料",
    "data_request.extended": "延長個人資料請求的期限",
    "data_request.opened": "收到個人資料請求",
    "data_request.verified": "確認請求人身分",
    "disposal.approved": "核准銷毀計畫",
    "disposal.exported": "匯出銷毀目錄",
    "disposal.finished": "銷毀完成",
    "disposal.proposed": "擬銷毀計畫",
    "disposal.taken_out": "銷毀計畫剔除一件",
    "disposal.withdrawn": "撤回銷毀計畫",
    "draft.discarded": "刪除登錄草稿",
    "draft.opened": "打開登錄草稿",
    "draft.saved": "存登錄草稿",
    "improvement.done": "改善措施完成",
    "improvement.planned": "登記改善措施",
    "issue.dismissed": "排除熱點",
    "issue.improved": "熱點轉為改善措施",
    "issue.merged": "合併熱點",
    "reply.rated": "民眾評分",
    "faq.published": "公開常見問題",
    "faq.saved": "儲存常見問題",
    "faq.withdrawn": "下架常見問題",
    "sweep.done": "清除到期資料",
    "summary.written": "寫出單位摘要",
    "survey.published": "公布問卷",
}

OBJECTS = {
    "audit": "稽核紀錄",
    "calendar": "辦公日曆",
    "case": "信件",
    "classifier": "分類模型",
    "data_request": "個人資料請求",
    "disposal_plan": "銷毀計畫",
    "draft": "登錄草稿",
    "faq": "常見問題",
    "hot_issue": "熱點",
    "import": "匯入",
    "improvement": "改善措施",
    "survey": "問卷",
    "sweep": "到期資料",
    "unit_summary": "單位摘要",
    "user": "帳號",
}

LONGEST = 40
NOBODY = "民眾或系統"


def action(code: str) -> str:
    """What was done; an action that is not in the table is shown by its code."""
    return ACTIONS.get(code, code)


def thing(row: Shown, people: Mapping[str, str]) -> str:
    """What it was done to: 信件 115-000123. `people` names accounts."""
    event = row.event
    kind = OBJECTS.get(event.object_type, event.object_type)
    if event.object_type == "audit":
        return kind
    named = people.get(event.object_id) if event.object_type == "user" else None
    return f"{kind} {named or event.object_id}"


def person(row: Shown) -> str:
    """Who did it."""
    return row.person or (NOBODY if row.event.actor_id is None else f"帳號 {row.event.actor_id}")


def detail(row: Shown) -> str:
    """Codes and ids that belong to the act, as they are kept: topic=ST-CNS、unit=standards."""
    return "、".join(f"{name}={_value(value)}" for name, value in row.event.detail.items()) or "—"


def shorten(text: str) -> str:
    """A hash or another long code by its beginning; the export has the whole."""
    return text if len(text) <= LONGEST else f"{text[:8]}…"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shorten(text)
