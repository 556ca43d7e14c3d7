"""django-helpdesk with its public ticket form and nothing else, as a WSGI application for comparison.

Runs in an environment of its own (tests/bench/helpdesk.py makes it). What slows it down and is not asked of
ours is left away: no mail leaves, no search for spam, no static files, no sessions of staff.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

FOLDER = Path(os.environ["HELPDESK_FOLDER"])

settings.configure(
    SECRET_KEY="only for a measurement on this machine",  # guards nothing
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    STATIC_URL="/static/",
    MEDIA_ROOT=str(FOLDER / "media"),
    SITE_ID=1,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    EMAIL_BACKEND="django.core.mail.backends.filebased.EmailBackend",
    EMAIL_FILE_PATH=str(FOLDER / "mail"),
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(FOLDER / "helpdesk.db"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.sites",
        "django.contrib.messages",
        "django.contrib.humanize",
        "django.contrib.admin",
        "rest_framework",
        "helpdesk",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.debug",
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    HELPDESK_TEAMS_MODE_ENABLED=False,
    HELPDESK_ACTIVATE_API_ENDPOINT=False,
)
django.setup()

from django.urls import include, path  # noqa: E402  # after the settings
from helpdesk.models import Queue  # noqa: E402  # after the settings

urlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]
_site = get_wsgi_application()


def prepare() -> None:
    """What its manual asks for: tables, mail templates, and a queue that the public writes to."""
    call_command("migrate", verbosity=0)
    call_command("loaddata", "emailtemplate.json", verbosity=0)
    Queue.objects.get_or_create(
        slug="letters", title="Letters", allow_public_submission=True, email_address="letters@agency.test"
    )


def app(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    """The site, and /healthz for whoever waits for it."""
    if environ["PATH_INFO"] == "/healthz":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]
    answer: Iterable[bytes] = _site(environ, start_response)
    return answer


if __name__ == "__main__":
    prepare()
