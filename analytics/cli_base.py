"""What the `flask analytics …` commands share: reading lines, writing JSON, loading the model, saying faults.

The classifier is imported inside the functions: every web worker registers the commands, and none of them
should carry scikit-learn (150 MB) for it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
import flask

if TYPE_CHECKING:
    from analytics.classifier import TrainedModel

EXTENSION = "analytics"
"""Key of `app.extensions`: a mapping of `active_model` (callable: folder, checksum), `terms`, `cache_dir`."""


class BadInput(click.ClickException):
    """Told in one line; exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"錯誤：{self.message}", file=file or sys.stderr)


def settings() -> dict[str, Any]:
    """The application's analytics settings; empty outside an application. The one seam to Flask."""
    found = flask.current_app.extensions.get(EXTENSION) if flask.has_app_context() else None
    return dict(found) if found else {}


def prepare_text() -> None:
    from analytics.text import TermsError, configure

    found = settings()
    instance = Path(os.environ.get("QINGTING_INSTANCE", "instance"))
    try:
        configure(terms=found.get("terms"), cache_dir=found.get("cache_dir", instance / "jieba"))
    except (TermsError, OSError) as error:
        raise BadInput(f"斷詞詞庫無法載入：{error}") from error


def load_model(option: str | None) -> TrainedModel:
    from analytics.model_store import ModelUnusable, load

    prepare_text()
    resolve: Callable[[], tuple[Path, str] | None] = settings().get("active_model", lambda: None)
    try:
        if option:
            return load(Path(option))
        active = resolve()
        if active is None:
            raise ModelUnusable("沒有啟用中的分類模型，請先執行 analytics train 或以 --model 指定。")
        return load(active[0], expected_sha256=active[1])
    except ModelUnusable as error:
        raise BadInput(str(error)) from error


def open_input(path: str | None) -> AbstractContextManager[IO[bytes]]:
    if path is None or path == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return open(path, "rb")
    except OSError as error:
        raise BadInput(f"無法開啟 {path}（{error.strerror}）。") from error


def rows_of(path: str | None) -> Iterator[tuple[str, str]]:
    """Non-empty lines of a JSONL file or stdin with their place, for messages."""
    name = "標準輸入" if path is None or path == "-" else path
    with open_input(path) as stream:
        try:
            for number, line in enumerate(stream, start=1):
                place = f"{name} 第 {number} 行"
                if text := decoded(line, place).strip():
                    yield place, text
        except OSError as error:
            raise BadInput(f"讀取 {name} 時發生錯誤（{error.strerror}）。") from error


def decoded(line: bytes, place: str) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{place}：不是 UTF-8 文字。") from error


def object_of(place: str, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{place}：不是正確的 JSON。") from error
    if not isinstance(row, dict):
        raise BadInput(f"{place}：應為一個 JSON 物件。")
    return row


def text_of(place: str, row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise BadInput(f"{place}：缺少文字欄位 {key}。")
    return value


def write(line: str) -> None:
    sys.stdout.buffer.write(line.encode("utf-8", "backslashreplace") + b"\n")


def write_json(row: dict[str, Any]) -> None:
    write(json.dumps(row, ensure_ascii=False))


def report(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        write_json(result)
        return
    for key, value in result.items():
        if key == "per_topic":
            write(f"{'topic':<14}{'precision':>10}{'recall':>10}{'n':>7}")
            for name, row in value.items():
                write(f"{name:<14}{row['precision']:>10.3f}{row['recall']:>10.3f}{row['n']:>7}")
        else:
            write(f"{key:<20}{_shown(value)}")


def _shown(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, list):
        return "–".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
