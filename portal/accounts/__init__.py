"""Staff accounts: sign-in, lock-out, roles."""

from __future__ import annotations

from flask import Flask, g

from portal.accounts.cli import accounts_cli
from portal.accounts.sessions import actor_from_session
from portal.accounts.views import accounts


def init_app(app: Flask) -> None:
    app.register_blueprint(accounts)
    app.cli.add_command(accounts_cli)

    @app.before_request
    def _load_user() -> None:
        g.user = actor_from_session()

    @app.context_processor
    def _current_user() -> dict[str, object]:
        return {"current_user": g.get("user")}
