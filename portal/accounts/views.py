"""Sign in, sign out, change the password."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from portal.access import Permission, public, requires
from portal.accounts import services, sessions
from portal.accounts.forms import ChangePasswordForm, SignInForm
from portal.clock import utcnow
from portal.errors import BadInput

accounts = Blueprint("accounts", __name__, url_prefix="/staff")


@accounts.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    if g.user is not None:
        return redirect(_next_page())
    form = SignInForm()
    if form.validate_on_submit():
        now = utcnow()
        try:
            user_id = services.sign_in(
                username=form.username.data or "", password=form.password.data or "", now=now
            )
        except services.SignInRefused as refusal:
            form.password.errors = [refusal.message]
        else:
            sessions.open_session(user_id, now=now)
            return redirect(_next_page(), 303)
    return render_template("accounts/sign_in.html", form=form), 422 if form.errors else 200


@accounts.post("/sign-out")
@requires(Permission.STAFF)
def sign_out() -> ResponseReturnValue:
    services.sign_out(g.user.id, utcnow())
    session.clear()
    flash("您已登出，其他裝置上的登入也一併結束。", "success")
    return redirect(url_for("accounts.sign_in"), 303)


@accounts.route("/password", methods=["GET", "POST"])
@requires(Permission.STAFF)
def change_password() -> ResponseReturnValue:
    form = ChangePasswordForm()
    if form.validate_on_submit():
        try:
            now = utcnow()
            services.change_password(g.user.id, old=form.old.data or "", new=form.new.data or "", now=now)
        except (services.WrongPassword, services.AccountLocked) as refusal:
            form.old.errors = [refusal.message]
        except BadInput as refusal:
            form.new.errors = [refusal.message]
        else:
            sessions.open_session(g.user.id, now=now)
            flash("密碼已更新；其他裝置上的登入都已結束。", "success")
            return redirect(url_for("staff_home.show"), 303)
    return render_template("accounts/password.html", form=form), 422 if form.errors else 200


def _next_page() -> str:
    """Where to go after sign-in: only a staff path of this site, never another host."""
    target = request.args.get("next", "")
    if target.startswith("/staff/") and target.isprintable() and "\\" not in target:
        return target
    return url_for("staff_home.show")
