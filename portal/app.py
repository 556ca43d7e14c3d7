"""The application factory of the shell: everything but the features."""

from __future__ import annotations

from flask import Flask, current_app
from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFProtect
from markupsafe import Markup
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import (
    abuse,
    access,
    accounts,
    calendars,
    cli,
    db,
    errors,
    guide,
    log,
    nav,
    pages,
    security,
    sweep,
)
from portal.audit import part as audit_part
from portal.clock import roc_date, roc_datetime, roc_deadline
from portal.config import MEBIBYTE, Config
from portal.files import uploads
from portal.icons import icon_shape
from portal.instance import is_demo
from portal.masking import mask
from portal.nav import Entry
from portal.openapi import openapi
from portal.outbox import build_mailer
from portal.profile import Profile, load_profile

csrf = CSRFProtect()


def new_app(config: Config) -> Flask:
    """A Flask application without features. It opens the database lazily and writes nothing."""
    app = Flask("portal", static_folder="static", template_folder="templates")
    app.config.update(_flask_settings(config))
    app.extensions["profile"] = load_profile(config.profile)
    app.extensions["mailer"] = build_mailer(config.mail_url)
    if config.proxy_hops:
        hops = config.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # Flask's documented way
    log.init_app(app)
    db.init_app(app)
    accounts.init_app(app)
    calendars.init_app(app)
    access.init_app(app)
    uploads.init_app(app, config)  # before CSRF, which reads the form
    csrf.init_app(app)
    abuse.init_app(app, config)
    Bootstrap5(app)
    errors.init_app(app)
    security.init_app(app)
    nav.init_app(app)
    cli.init_app(app)
    sweep.init_app(app)
    app.register_blueprint(pages.pages)
    app.register_blueprint(pages.staff_home)
    app.register_blueprint(pages.system)
    app.register_blueprint(openapi)
    audit_part.init_app(app)
    nav.add(
        app,
        Entry("首頁", "pages.home", "house", order=0),
        Entry("開始", "staff_home.show", "compass", access.Permission.STAFF, order=0),
        Entry("辦公日曆", "office_calendar.show", "calendar3", access.Permission.STAFF, order=65),
        Entry("系統狀態", "system.show_system", "heart-pulse", access.Permission.SYSTEM, order=70),
    )
    guide.add_tips(
        app,
        guide.Tip(
            frozenset({access.Role.ADMIN}),
            "看系統是否正常",
            "每一項檢查、每個背景工作上次的結果，以及還要機關確認的設定。",
            "system.show_system",
            order=10,
        ),
        guide.Tip(
            frozenset({access.Role.ADMIN}),
            "核對還沒確認的設定",
            "頁面最下方列出「待機關確認」的設定；確認後改機關設定檔，再執行 flask setup。",
            "system.show_system",
            order=30,
        ),
        guide.Tip(
            frozenset({access.Role.ADMIN}),
            "從民眾的角度走一遍",
            "在民眾端寫一封信、填一份問卷，看看同仁和民眾各看到什麼。",
            "pages.home",
            order=40,
        ),
        guide.Tip(
            frozenset({access.Role.ADMIN}),
            "換掉自己的密碼",
            "換密碼會結束這個帳號在其他裝置上的登入。",
            "accounts.change_password",
            order=50,
        ),
    )
    _offer_to_templates(app)
    return app


def _flask_settings(config: Config) -> dict[str, object]:
    return {
        "QINGTING": config,
        "TESTING": config.testing,
        "SECRET_KEY": config.secret_key,
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "SESSION_COOKIE_NAME": "__Host-qingting" if config.secure_cookies else "qingting",
        "SESSION_COOKIE_SECURE": config.secure_cookies,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": config.max_body_bytes,
        "MAX_FORM_MEMORY_SIZE": 2 * MEBIBYTE,
        "MAX_FORM_PARTS": 500,
        "WTF_I18N_ENABLED": False,
        # A person may write a letter for hours; the token still ends with the browser session.
        "WTF_CSRF_TIME_LIMIT": None,
        "BOOTSTRAP_SERVE_LOCAL": True,
    }


def _offer_to_templates(app: Flask) -> None:
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        roc_date=roc_date, roc_datetime=roc_datetime, roc_deadline=roc_deadline, lines=lines, mask=mask
    )
    app.jinja_env.globals.update(roc_date=roc_date, roc_datetime=roc_datetime, icon_shape=icon_shape)

    @app.context_processor
    def _everywhere() -> dict[str, object]:
        return {"profile": current_app.extensions["profile"], "is_demo": _shows_demo(app)}


def _shows_demo(app: Flask) -> bool:
    """Read once: an installation never changes what it is."""
    if app.testing:
        return is_demo()
    known: bool | None = app.extensions.get("is_demo")
    if known is None:
        known = app.extensions["is_demo"] = is_demo()
    return known


def lines(text: str) -> Markup:
    """Text with its line breaks kept; everything else escaped."""
    return Markup("<br>").join(text.split("\n"))


def profile() -> Profile:
    """The agency that this application serves."""
    loaded: Profile = current_app.extensions["profile"]
    return loaded
