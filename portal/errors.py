"""Domain errors and the pages and problem documents they become."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

log = logging.getLogger(__name__)

DRAIN_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 20
DRAIN_PIECE = 64 * 1024


class DomainError(Exception):
    """A rule of the platform says no. `message` is for the person who asked.

    `extra` goes into the problem document that a program gets.
    """

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    message = "這個動作目前不能進行。"
    extra: dict[str, Any] | None = None

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message


class NotFound(DomainError):
    status = HTTPStatus.NOT_FOUND
    message = "找不到這筆資料。"


class Conflict(DomainError):
    status = HTTPStatus.CONFLICT
    message = "這筆資料剛被別人更動過，請重新整理後再試。"


class BadInput(DomainError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotReady(DomainError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = "系統還沒有完成設定，請稍後再試。"


PAGES: dict[int, tuple[str, str]] = {
    400: ("送出的內容無法辨識", "請回到上一頁再送出一次；您填的內容通常還在。"),
    403: ("您沒有使用這一頁的權限", "如果工作上需要，請洽貴單位主管或系統管理者。"),
    404: ("找不到這一頁", "網址可能打錯了，或這筆資料不屬於您的單位。"),
    405: ("這一頁不能這樣使用", "請從首頁重新進入。"),
    409: ("資料剛被別人更動過", "請重新整理後再試。"),
    413: ("送出的內容太大", "請縮短文字或換一個較小的檔案，再送出一次。"),
    415: ("不支援這種格式", "請依頁面說明的格式再送出一次。"),
    422: ("內容需要修正", "請依提示修正後再送出一次。"),
    429: ("太頻繁了", "這個網路位址在短時間內送出太多次，請過幾分鐘再試。"),
    500: ("系統發生錯誤", "我們已經記下這個錯誤。您可以稍後再試，或以電話聯絡我們。"),
    503: ("系統暫時無法使用", "請稍後再試。"),
}


def problem(status: int, detail: str, **extra: Any) -> Response:
    """An `application/problem+json` answer (RFC 9457)."""
    title = PAGES.get(status, PAGES[400])[0]
    answer = jsonify(type="about:blank", title=title, status=status, detail=detail, **extra)
    answer.status_code = status
    answer.mimetype = "application/problem+json"
    return answer


def wants_json() -> bool:
    return request.path.startswith("/api/")


def drain() -> None:
    """Read the rest of a body that is refused, so that the browser shows our page.

    A server that answers and closes while the browser still sends makes it show a broken connection
    instead. Bounded in bytes and time: beyond that the connection may break.
    """
    stream, left = request.environ["wsgi.input"], DRAIN_BYTES
    until = time.monotonic() + DRAIN_SECONDS
    if request.content_length is None and not request.environ.get("wsgi.input_terminated"):
        return
    left = min(left, request.content_length if request.content_length is not None else left)
    try:
        while left > 0 and time.monotonic() < until:
            piece = stream.read(min(DRAIN_PIECE, left))
            if not piece:
                return
            left -= len(piece)
    except OSError:
        return  # the browser has left


def _answer(
    status: int, detail: str | None = None, extra: dict[str, Any] | None = None
) -> Response | tuple[str, int]:
    title, message = PAGES.get(status, PAGES[500] if status >= 500 else PAGES[400])
    if wants_json():
        return problem(status, detail or message, **(extra or {}))
    try:
        page = render_template(
            "errors/error.html",
            code=status,
            title=title,
            message=detail or message,
            request_id=g.get("request_id", ""),
        )
    except Exception:
        log.exception("the error page itself failed")
        page = render_template("errors/bare.html", code=status, title=title, message=message)
    return page, status


def expired_form() -> Response | tuple[str, int]:
    """The page for a form without a valid token, which is not accepted."""
    return _answer(400, "這一頁開太久了，或瀏覽器不接受 Cookie。請回上一頁、重新整理後再送出一次。")


def too_often() -> Response | tuple[str, int]:
    """The page for somebody who asks too often."""
    return _answer(429)


def init_app(app: Flask) -> None:
    @app.errorhandler(DomainError)
    def _domain(error: DomainError) -> Response | tuple[str, int]:
        return _answer(error.status, error.message, error.extra)

    @app.errorhandler(CSRFError)
    def _csrf(_error: CSRFError) -> Response | tuple[str, int]:
        return expired_form()

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response | tuple[str, int]:
        if error.code is None or error.code < 400:
            return error.get_response()  # type: ignore[return-value]  # werkzeug's own redirect
        if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            drain()
        return _answer(error.code)

    @app.errorhandler(Exception)
    def _unexpected(_error: Exception) -> Response | tuple[str, int]:
        log.exception("unexpected error", extra={"endpoint": request.endpoint})
        return _answer(500)
