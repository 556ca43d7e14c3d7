"""Configuration: read once from the environment, frozen, passed in."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from portal.profile import PROFILES

ROOT = Path(__file__).resolve().parent.parent
MIN_SECRET_LENGTH = 32
MEBIBYTE = 1024 * 1024


class ConfigError(ValueError):
    """The platform cannot start with these settings; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that differs between one installation and another.

    `base_url` is written into mail and QR codes; without it mail holds no links and QR codes have the
    request's address. `limits` is off only where everybody has one address. `secure_cookies` is off only
    for plain HTTP on one's own machine.
    """

    instance: Path
    database_url: str
    secret_key: str
    mail_url: str
    profile: Path
    mail_in_url: str = field(default="", repr=False)
    clamd: str = ""
    redis_url: str = field(default="", repr=False)
    limits: bool = True
    base_url: str = ""
    secure_cookies: bool = True
    proxy_hops: int = 0
    testing: bool = False
    max_body_bytes: int = 12 * MEBIBYTE

    def __post_init__(self) -> None:
        if len(self.secret_key) < MIN_SECRET_LENGTH:
            raise ConfigError(f"SECRET_KEY 至少要有 {MIN_SECRET_LENGTH} 個字元，請換一個隨機的長字串。")
        if not self.mail_url.startswith(("file:", "smtp:", "smtps:")):
            raise ConfigError("MAIL_URL 要以 file:、smtp: 或 smtps: 開頭。")
        if self.clamd and not self.clamd.startswith(("unix:", "tcp://")):
            raise ConfigError("QINGTING_CLAMD 要以 unix: 或 tcp:// 開頭，例如 unix:/run/clamav/clamd.ctl。")
        if self.mail_in_url and not self.mail_in_url.startswith(("mbox:", "maildir:", "imaps:", "imap:")):
            raise ConfigError("MAIL_IN_URL 要以 mbox:、maildir: 或 imaps: 開頭。")

    @property
    def models(self) -> Path:
        """Where trained classifiers are kept."""
        return self.instance / "models"

    @property
    def attachments(self) -> Path:
        """Where the files of letters are kept."""
        return self.instance / "attachments"

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Config:
        """Read the environment; see the table in README.md for the names."""
        env = os.environ if env is None else env
        instance = Path(env.get("QINGTING_INSTANCE") or ROOT / "instance").resolve()
        return cls(
            instance=instance,
            database_url=_database_url(env.get("DATABASE_URL", ""), instance),
            secret_key=env.get("SECRET_KEY") or _kept_secret(instance),
            mail_url=env.get("MAIL_URL") or f"file://{instance / 'mail'}",
            profile=_profile(env.get("QINGTING_PROFILE", "")),
            mail_in_url=env.get("MAIL_IN_URL", ""),
            clamd=env.get("QINGTING_CLAMD", ""),
            redis_url=env.get("REDIS_URL", ""),
            limits=env.get("QINGTING_LIMITS", "") != "off",
            base_url=env.get("QINGTING_BASE_URL", "").rstrip("/"),
            secure_cookies=env.get("QINGTING_PLAIN_HTTP", "") != "1",
            proxy_hops=_whole(env, "QINGTING_PROXY_HOPS", 0),
        )


def _database_url(url: str, instance: Path) -> str:
    if not url:
        instance.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{instance / 'qingting.db'}"
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _profile(value: str) -> Path:
    """A path, or the name of a profile that ships (default: the bureau's)."""
    if not value:
        return PROFILES / "bsmi.yaml"
    shipped = PROFILES / f"{value}.yaml"
    return shipped if shipped.exists() else Path(value)


def _kept_secret(instance: Path) -> str:
    """This installation's own random key, made on first use and readable by its owner only."""
    path = instance / "secret_key"
    instance.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return path.read_text(encoding="ascii").strip()


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(env.get(name) or default)
    except ValueError as error:
        raise ConfigError(f"{name} 要是整數。") from error
