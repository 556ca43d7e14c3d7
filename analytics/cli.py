"""`flask analytics …`: train, evaluate, classify, benchmark, comments and mask."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from analytics.benchmark_cli import benchmark
from analytics.cli_base import (
    BadInput,
    decoded,
    load_model,
    object_of,
    prepare_text,
    report,
    rows_of,
    text_of,
    write_json,
)
from analytics.corpus_cli import check_corpus
from analytics.hotspots_cli import hotspots
from analytics.reclassify_cli import reclassify
from portal import masking
from portal.clock import utcnow

if TYPE_CHECKING:
    from analytics.classifier import Prediction
    from analytics.corpus import Letter

BLOCK = 1_000
"""Letters classified at once: large enough to be fast, small enough to answer while the input still comes."""

analytics = click.Group(name="analytics", help="來信與意見的判讀：訓練、評測、分類、熱點與個資遮罩。")
for command in (benchmark, check_corpus, hotspots, reclassify):
    analytics.add_command(command)


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
    for name, title in (("frozen", "凍結集"), ("newest", "最新標記")):
        part = version.manifest["comparison"][name]
        if part["n"]:
            lost = f"，比使用中多對 {part['gained']}、少對 {part['lost']}" if "active" in part else ""
            click.echo(f"  {title} n={part['n']}　正確率 {part['candidate']['accuracy']:.3f}{lost}")
    click.echo("已啟用。" if trained.activated else "比使用中的版本差，沒有啟用（要啟用請加 --activate）。")


@analytics.command()
@click.argument("file", required=False)
@click.option("--model", help="模型版本資料夾（預設為啟用中的版本）。")
@click.option("--cross-validate", is_flag=True, help="不讀檔案，以起始語料做五折交叉驗證。")
@click.option("--json", "as_json", is_flag=True, help="以 JSON 輸出。")
def evaluate(file: str | None, model: str | None, cross_validate: bool, as_json: bool) -> None:
    """以已標記的 JSONL（text、topic，可含 voice、urgent）評測模型。"""
    from analytics.evaluation import evaluate as score

    if cross_validate:
        report(_cross_validated(), as_json)
        return
    letters = list(_labelled_letters(file))
    if not letters:
        raise BadInput("沒有可評測的資料。")
    report(score(load_model(model), letters), as_json)


def _labelled_letters(file: str | None) -> Iterator[Letter]:
    from analytics.corpus import parse_letter

    for place, line in rows_of(file):
        row = object_of(place, line)
        for key in ("topic", "voice"):  # a set that was labelled by proposal only says so in its names
            row.setdefault(key, row.get(f"proposed_{key}"))
        try:
            yield parse_letter(json.dumps(row), None)
        except ValueError as error:
            raise BadInput(f"{place}：{error}。") from error


def _cross_validated() -> dict[str, Any]:
    """The starter corpus judged by models that have not seen the letters they are judged on."""
    from analytics.corpus import CorpusError, read_corpus
    from analytics.evaluation import cross_validate
    from analytics.resources import resources
    from portal.app import profile

    prepare_text()
    folder = resources().corpus
    if folder is None:
        raise BadInput("機關設定沒有起始語料（analysis.corpus）。")
    try:
        letters = read_corpus(folder, {topic.code for topic in profile().topics})
    except CorpusError as error:
        raise BadInput(str(error)) from error
    return cross_validate(letters, urgent_phrases=profile().analysis.urgent_phrases)


@analytics.command()
@click.argument("file", required=False)
@click.option("--model", help="模型版本資料夾（預設為啟用中的版本）。")
def classify(file: str | None, model: str | None) -> None:
    """為 JSONL（id、text，可含 subject）的每一封信建議主題、性質與是否緊急。"""
    trained = load_model(model)
    letters = _texts(file)
    while block := list(islice(letters, BLOCK)):
        predictions = trained.predict([text for _, text in block])
        for (identifier, _), prediction in zip(block, predictions, strict=True):
            write_json({"id": identifier} | as_row(prediction))
        sys.stdout.buffer.flush()


def _texts(file: str | None) -> Iterator[tuple[object, str]]:
    """Identifier and text of each line, with the subject before it where there is one."""
    from analytics.corpus import join

    for place, line in rows_of(file):
        row = object_of(place, line)
        subject = text_of(place, row, "subject") if row.get("subject") else ""
        yield row.get("id"), join(subject, text_of(place, row, "text"))


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
        "sentiment": prediction.sentiment,
        "rule": prediction.rule,
    }


@analytics.command()
@click.argument("file", required=False)
@click.option("--model", help="模型版本資料夾（預設為啟用中的版本）。")
def comments(file: str | None, model: str | None) -> None:
    """為 JSONL（id、text）的每一則問卷意見判讀情緒和所談的服務構面。"""
    reader = load_model(model).comments
    if reader is None:
        raise BadInput("這個分類模型沒有意見判讀：機關設定沒有已標記的問卷意見（analysis.comments）。")
    answers = _texts(file)
    while block := list(islice(answers, BLOCK)):
        for (identifier, _), reading in zip(block, reader.read([text for _, text in block]), strict=True):
            write_json({"id": identifier, "sentiment": reading.sentiment, "dimension": reading.dimension})
        sys.stdout.buffer.flush()


@analytics.command()
@click.option("--json", "as_json", is_flag=True, help="輸出遮罩後文字及各項個資的種類與位置。")
def mask(as_json: bool) -> None:
    """遮去標準輸入文字中的個人資料。"""
    text = decoded(sys.stdin.buffer.read(), "標準輸入")
    if not as_json:
        sys.stdout.buffer.write(masking.mask(text).encode())
        return
    found = [{"kind": span.kind, "start": span.start, "end": span.end} for span in masking.find(text)]
    write_json({"text": masking.mask(text), "found": found})
