"""`flask analytics …`: evaluate, classify, benchmark and mask. Pure functions over lines; no database.

The classifier is imported inside the commands: every web worker registers this group, and none of them should
carry scikit-learn (150 MB) for it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
import flask

from portal import masking
from portal.clock import utcnow

if TYPE_CHECKING:
    from analytics.classifier import Prediction, TrainedModel

BLOCK = 1_000
"""Letters classified at once: large enough to be fast, small enough to answer while the input still comes."""

EXTENSION = "analytics"
"""Key of `app.extensions`: a mapping of `active_model` (callable: folder, checksum), `terms`, `cache_dir`."""


class BadInput(click.ClickException):
    """Told in one line; exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"錯誤：{self.message}", file=file or sys.stderr)


analytics = click.Group(name="analytics", help="來信分類：評測、分類、基準測試與個資遮罩。")


def _settings() -> dict[str, Any]:
    """The application's analytics settings; empty outside an application. The one seam to Flask."""
    found = flask.current_app.extensions.get(EXTENSION) if flask.has_app_context() else None
    return dict(found) if found else {}


def _prepare_text() -> None:
    from analytics.text import TermsError, configure

    settings = _settings()
    instance = Path(os.environ.get("QINGTING_INSTANCE", "instance"))
    try:
        configure(terms=settings.get("terms"), cache_dir=settings.get("cache_dir", instance / "jieba"))
    except (TermsError, OSError) as error:
        raise BadInput(f"斷詞詞庫無法載入：{error}") from error


def _load_model(option: str | None) -> TrainedModel:
    from analytics.model_store import ModelUnusable, load

    _prepare_text()
    resolve: Callable[[], tuple[Path, str] | None] = _settings().get("active_model", lambda: None)
    try:
        if option:
            return load(Path(option))
        active = resolve()
        if active is None:
            raise ModelUnusable("沒有啟用中的分類模型，請先執行 analytics train 或以 --model 指定。")
        return load(active[0], expected_sha256=active[1])
    except ModelUnusable as error:
        raise BadInput(str(error)) from error


def _open(path: str | None) -> AbstractContextManager[IO[bytes]]:
    if path is None or path == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return open(path, "rb")
    except OSError as error:
        raise BadInput(f"無法開啟 {path}（{error.strerror}）。") from error


def _rows(path: str | None) -> Iterator[tuple[str, str]]:
    """Non-empty lines of a JSONL file or stdin with their place, for messages."""
    name = "標準輸入" if path is None or path == "-" else path
    with _open(path) as stream:
        try:
            for number, line in enumerate(stream, start=1):
                place = f"{name} 第 {number} 行"
                if text := _decoded(line, place).strip():
                    yield place, text
        except OSError as error:
            raise BadInput(f"讀取 {name} 時發生錯誤（{error.strerror}）。") from error


def _decoded(line: bytes, place: str) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{place}：不是 UTF-8 文字。") from error


def _object(place: str, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{place}：不是正確的 JSON。") from error
    if not isinstance(row, dict):
        raise BadInput(f"{place}：應為一個 JSON 物件。")
    return row


def _text_of(place: str, row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise BadInput(f"{place}：缺少文字欄位 {key}。")
    return value


def _write(line: str) -> None:
    sys.stdout.buffer.write(line.encode("utf-8", "backslashreplace") + b"\n")


def _write_json(row: dict[str, Any]) -> None:
    _write(json.dumps(row, ensure_ascii=False))


def _report(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _write_json(result)
        return
    for key, value in result.items():
        if key == "per_topic":
            _write(f"{'topic':<14}{'precision':>10}{'recall':>10}{'n':>7}")
            for name, row in value.items():
                _write(f"{name:<14}{row['precision']:>10.3f}{row['recall']:>10.3f}{row['n']:>7}")
        else:
            _write(
                f"{key:<20}{'—' if value is None else f'{value:.4g}' if isinstance(value, float) else value}"
            )


@analytics.command("train")
@click.option("--activate", is_flag=True, help="分數變差也啟用新版本。")
def train_command(activate: bool) -> None:
    """以起始語料和已確認主題的信訓練新版本；比使用中的差就不啟用。"""
    from analytics.corpus import CorpusError
    from analytics.jobs import train_now
    from analytics.services.training import score

    try:
        trained = train_now(utcnow(), force=activate)
    except CorpusError as error:
        raise BadInput(str(error)) from error
    version, previous = trained.version, trained.previous
    click.echo(f"新版本 {version.id}（{version.manifest['letters']} 封信）")
    for name in ("accuracy", "macro_f1", "top3", "coverage", "accuracy_answered"):
        before = f"　使用中 {score(previous, name):.3f}" if previous else ""
        click.echo(f"  {name:<20}{score(version, name):.3f}{before}")
    click.echo("已啟用。" if trained.activated else "比使用中的版本差，沒有啟用（要啟用請加 --activate）。")


@analytics.command()
@click.argument("file", required=False)
@click.option("--model", help="模型版本資料夾（預設為啟用中的版本）。")
@click.option("--json", "as_json", is_flag=True, help="以 JSON 輸出。")
def evaluate(file: str | None, model: str | None, as_json: bool) -> None:
    """以已標記的 JSONL（text、topic，可含 voice、urgent）評測模型。"""
    from analytics.corpus import parse_letter
    from analytics.evaluation import evaluate as score

    letters = []
    for place, line in _rows(file):
        try:
            letters.append(parse_letter(line, None))
        except ValueError as error:
            raise BadInput(f"{place}：{error}。") from error
    if not letters:
        raise BadInput("沒有可評測的資料。")
    _report(score(_load_model(model), letters), as_json)


@analytics.command()
@click.argument("file", required=False)
@click.option("--model", help="模型版本資料夾（預設為啟用中的版本）。")
def classify(file: str | None, model: str | None) -> None:
    """為 JSONL（id、text，可含 subject）的每一封信建議主題、性質與是否緊急。"""
    trained = _load_model(model)
    letters = _letters(file)
    while block := list(islice(letters, BLOCK)):
        predictions = trained.predict([text for _, text in block])
        for (identifier, _), prediction in zip(block, predictions, strict=True):
            _write_json({"id": identifier} | as_row(prediction))
        sys.stdout.buffer.flush()


def _letters(file: str | None) -> Iterator[tuple[object, str]]:
    from analytics.corpus import join

    for place, line in _rows(file):
        row = _object(place, line)
        subject = _text_of(place, row, "subject") if row.get("subject") else ""
        yield row.get("id"), join(subject, _text_of(place, row, "text"))


def as_row(prediction: Prediction) -> dict[str, Any]:
    """A prediction as the outside contract writes it; probabilities to four places."""
    return {
        "topic": prediction.topic,
        "probability": round(prediction.probability, 4),
        "abstain": prediction.abstain,
        "candidates": [
            {"topic": candidate.topic, "probability": round(candidate.probability, 4)}
            for candidate in prediction.candidates
        ],
        "secondary": list(prediction.secondary),
        "voice": prediction.voice,
        "urgent": prediction.urgent,
        "sentiment": None,  # not judged by this version of the classifier
    }


@analytics.command()
@click.option("--train", "train_file", required=True, help="訓練用 JSONL（text、label）。")
@click.option("--test", "test_file", required=True, help="測試用 JSONL（text、label）。")
@click.option("--json", "as_json", is_flag=True, help="以 JSON 輸出。")
def benchmark(train_file: str, test_file: str, as_json: bool) -> None:
    """以同一套流程在任意標籤的資料上訓練並計分。"""
    from analytics.evaluation import benchmark as score

    learn, test = _labelled(_rows(train_file)), _labelled(_rows(test_file))
    _prepare_text()
    try:
        _report(score(learn, test), as_json)
    except ValueError as error:
        raise BadInput(str(error)) from error


def _labelled(rows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    pairs = []
    for place, line in rows:
        row = _object(place, line)
        label = row.get("label")
        if isinstance(label, bool) or not isinstance(label, str | int):
            raise BadInput(f"{place}：缺少 label。")
        pairs.append((_text_of(place, row, "text"), str(label)))
    return pairs


@analytics.command()
@click.option("--json", "as_json", is_flag=True, help="輸出遮罩後文字及各項個資的種類與位置。")
def mask(as_json: bool) -> None:
    """遮去標準輸入文字中的個人資料。"""
    text = _decoded(sys.stdin.buffer.read(), "標準輸入")
    if not as_json:
        sys.stdout.buffer.write(masking.mask(text).encode())
        return
    found = [{"kind": span.kind, "start": span.start, "end": span.end} for span in masking.find(text)]
    _write_json({"text": masking.mask(text), "found": found})
