"""Rules of `flask analytics …`: lines in, lines out, and one clear line when something is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from analytics.cli import analytics
from analytics.cli_base import EXTENSION
from analytics.comments import train_comments
from analytics.corpus import Letter, read_comments, read_corpus
from analytics.learning import fingerprint
from analytics.model_store import read_manifest
from analytics.resources import DATA, Resources
from analytics.text import configure
from analytics.yardsticks import RECIPES
from tests.analytics.learning import BUREAU, learn, write_corpus

NOW = datetime(2026, 11, 23, tzinfo=UTC)


TOPICS = ("SAFE", "METER", "SCOPE", "STAFF")
SAMPLES = {
    "SAFE": ("行動電源起火冒煙", "申訴或抱怨", True),
    "METER": ("市場磅秤斤兩不足", "檢舉", False),
    "SCOPE": ("進口電鍋要不要檢驗", "詢問", False),
    "STAFF": ("櫃台人員服務態度很好", "讚揚", False),
}


@pytest.fixture(scope="module", autouse=True)
def _instance(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QINGTING_INSTANCE", str(tmp_path_factory.getbasetemp()))
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, _instance: None) -> str:
    folder = tmp_path_factory.mktemp("corpus")
    for topic, (text, voice, urgent) in SAMPLES.items():
        rows = [
            {"subject": "", "text": f"{text}，第{number}件", "topic": topic, "voice": voice, "urgent": urgent}
            for number in range(10)
        ]
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (folder / f"{topic}.jsonl").write_text(lines, encoding="utf-8")
    root = tmp_path_factory.mktemp("models")
    configure(terms=None, cache_dir=tmp_path_factory.mktemp("jieba"))
    letters = read_corpus(folder, TOPICS)
    return str(root / learn(letters, root, urgent_phrases=("爆炸",), now=NOW).version)


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(analytics, list(arguments), input=given)


def refused(result: Result, *words: str) -> None:
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in result.stderr


def lines(*rows: object) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def test_classify_answers_every_line_in_order_as_the_contract_says(model: str) -> None:
    given = lines(
        {"id": "a", "text": "磅秤斤兩不足"}, {"id": 2, "subject": "爆炸", "text": "行動電源"}, {"text": ""}
    )
    result = run("classify", "--model", model, given=given)
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["id"] for row in rows] == ["a", 2, None]
    assert [list(row) for row in rows] == [
        [
            "id",
            "topic",
            "probability",
            "abstain",
            "candidates",
            "secondary",
            "voice",
            "urgent",
            "sentiment",
            "rule",
        ]
    ] * 3
    assert rows[0]["topic"] == "METER"
    assert rows[0]["candidates"][0] == {"topic": "METER", "probability": rows[0]["probability"]}
    assert [row["urgent"] for row in rows[:2]] == [False, True]
    assert rows[2]["abstain"] is True


def test_classify_reads_more_than_one_block(model: str) -> None:
    given = lines(*({"id": number, "text": "磅秤不準"} for number in range(2_100)))
    result = run("classify", "--model", model, given=given)
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == list(range(2_100))


def test_classify_survives_odd_but_legal_text(model: str) -> None:
    given = '{"id": "\\ud83d", "text": "\\ud83d\\u0000"}\n' + lines({"id": 1, "text": "😀"})
    result = run("classify", "--model", model, given=given)
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "不是正確的 JSON"),
        ("[1]", "應為一個 JSON 物件"),
        ('{"id": 1}', "缺少文字欄位 text"),
        ('{"id": 1, "text": null}', "缺少文字欄位 text"),
        ('{"id": 1, "text": "a", "subject": 3}', "缺少文字欄位 subject"),
    ],
)
def test_classify_names_file_line_and_reason(model: str, tmp_path: Path, bad: str, reason: str) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text(lines({"id": 1, "text": "電鍋"}) + "\n" + bad + "\n", encoding="utf-8")
    refused(run("classify", str(file), "--model", model), "in.jsonl 第 3 行", reason)


def test_binary_input_and_missing_files_are_refused_in_one_line(model: str, tmp_path: Path) -> None:
    refused(run("classify", "--model", model, given=b"\xff\xfe\x00\x01"), "標準輸入 第 1 行", "UTF-8")
    refused(run("classify", str(tmp_path / "none"), "--model", model), "無法開啟")
    refused(run("evaluate", str(tmp_path), "--model", model), "無法開啟")
    refused(run("classify", "--model", str(tmp_path / "none"), given=""), "找不到模型")
    refused(run("mask", given=b"\xff\xfe"), "UTF-8")


def test_without_a_model_the_command_says_what_to_do() -> None:
    refused(run("classify", given=""), "analytics train")


def test_the_active_model_comes_from_the_application(model: str) -> None:
    app = Flask(__name__)
    app.extensions[EXTENSION] = {
        "active_model": lambda: (Path(model), read_manifest(Path(model)).artifact_sha256)
    }
    with app.app_context():
        result = run("classify", given=lines({"id": 1, "text": "磅秤"}))
    assert json.loads(result.stdout)["topic"] == "METER"


def test_evaluate_prints_every_figure_of_the_contract(model: str) -> None:
    given = lines(
        *({"text": text, "topic": topic, "voice": voice} for topic, (text, voice, _) in SAMPLES.items()),
        {"text": "別的事", "topic": "NEW"},
    )
    result = run("evaluate", "-", "--json", "--model", model, given=given)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {
        "n",
        "accuracy",
        "macro_f1",
        "top3",
        "per_topic",
        "ece",
        "coverage",
        "accuracy_answered",
        "docs_s",
    } <= set(found)
    assert (found["n"], found["voice_n"]) == (5, 4)
    assert found["accuracy"] == pytest.approx(0.8)
    table = run("evaluate", "--model", model, given=given)
    assert "METER" in table.stdout


def test_evaluate_refuses_bad_labels_and_empty_input(model: str) -> None:
    refused(run("evaluate", "--model", model, given=lines({"text": "a"})), "第 1 行", "沒有主題")
    bad = lines({"text": "a", "topic": "SAFE"}, {"text": "a", "topic": "SAFE", "voice": "喊叫"})
    refused(run("evaluate", "--model", model, given=bad), "第 2 行", "沒有意見性質")
    refused(run("evaluate", "--model", model, given="\n\n"), "沒有可評測的資料")


def test_benchmark_scores_any_labels(tmp_path: Path) -> None:
    train, test = tmp_path / "train.jsonl", tmp_path / "test.jsonl"
    rows = [
        {"text": f"{text}{number}", "label": topic}
        for topic, (text, _, _) in SAMPLES.items()
        for number in range(5)
    ]
    train.write_text(lines(*rows), encoding="utf-8")
    test.write_text(lines(*rows[:3]), encoding="utf-8")
    result = run("benchmark", "--train", str(train), "--test", str(test), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {"accuracy", "macro_f1", "fit_s", "docs_s", "peak_rss_mb"} <= set(found)
    assert found["accuracy"] == 1.0
    test.write_text(lines({"text": "a"}), encoding="utf-8")
    refused(run("benchmark", "--train", str(train), "--test", str(test)), "test.jsonl 第 1 行", "缺少 label")
    test.write_text("", encoding="utf-8")
    refused(run("benchmark", "--train", str(train), "--test", str(test)), "測試資料不可為空")


def test_mask_hides_and_tells_kinds_and_positions() -> None:
    given = "我叫王小明，\n案號115-000123，電話0912345678\n"
    assert run("mask", given=given).stdout == "我叫〔姓名〕，\n案號115-000123，電話〔電話〕\n"
    told = json.loads(run("mask", "--json", given=given).stdout)
    assert told["found"] == [
        {"kind": "姓名", "start": 2, "end": 5},
        {"kind": "電話", "start": 22, "end": 32},
    ]
    assert run("mask", given="").stdout == ""


def test_comments_without_a_reader_of_comments_are_refused(model: str) -> None:
    refused(run("comments", "--model", model, given=lines({"id": 1, "text": "很好"})), "analysis.comments")


def test_comments_are_read_line_by_line_as_the_contract_says(tmp_path: Path) -> None:
    reader = train_comments(read_comments(DATA / "bsmi" / "comments.jsonl"), seed=1)
    letters = [
        Letter("", f"{text}{number}", topic) for topic, (text, *_) in SAMPLES.items() for number in "一二三"
    ]
    version = learn(letters, tmp_path, comments=reader, now=NOW).version
    given = lines({"id": "a", "text": "櫃台人員很親切"}, {"id": 2, "text": "無"}, {"text": ""})
    result = run("comments", "--model", str(tmp_path / version), given=given)
    assert result.exit_code == 0, result.output
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"id": "a", "sentiment": "正面", "dimension": "A"},
        {"id": 2, "sentiment": "中性", "dimension": None},
        {"id": None, "sentiment": "中性", "dimension": None},
    ]


def test_a_folder_is_benchmarked_beside_the_yardsticks_in_the_same_run(tmp_path: Path) -> None:
    rows = [
        {"text": f"{text}，第{number}件", "label": topic}
        for topic, (text, *_) in SAMPLES.items()
        for number in range(10)
    ]
    split = [row | {"split": "valid" if at % 5 == 0 else "train"} for at, row in enumerate(rows)]
    (tmp_path / "split.jsonl").write_text(lines(*split), encoding="utf-8")
    (tmp_path / "whole.jsonl").write_text(lines(*rows), encoding="utf-8")
    (tmp_path / "messages.jsonl").write_text(lines({"id": 1, "text": "沒有標籤"}), encoding="utf-8")
    result = run("benchmark", "--folder", str(tmp_path), "--json")
    assert result.exit_code == 0, result.output
    found = {row["file"]: row for row in map(json.loads, result.stdout.splitlines())}
    assert (found["split"]["n"], found["whole"]["n"]) == (8, 40)
    assert set(found) == {"split", "whole"}
    assert all(set(row["scores"]) == {"本系統", *RECIPES} for row in found.values())
    assert "略過 messages.jsonl" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--train", "x"), ("--folder", "nowhere")])
def test_a_benchmark_without_texts_says_what_to_give(arguments: tuple[str, ...]) -> None:
    refused(run("benchmark", *arguments))


def test_a_set_labelled_by_proposal_can_be_evaluated(model: str) -> None:
    row = {"text": "磅秤斤兩不足", "proposed_topic": "METER", "proposed_voice": None}
    result = run("evaluate", "--model", model, "--json", given=lines(row))
    assert json.loads(result.stdout)["accuracy"] == 1.0
    assert len(json.loads(result.stdout)["accuracy_interval"]) == 2


@pytest.mark.usefixtures("ctx")
def test_check_corpus_tells_near_duplicates_and_disagreements(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    second = tmp_path / "second.jsonl"
    letter = read_corpus(corpus, {topic.code for topic in BUREAU.topics})[0]
    second.write_text(lines({"letter": fingerprint(letter.full_text), "topic": "ZZ-OTHER"}), encoding="utf-8")
    own = Resources(
        corpus=corpus, terms=None, demo=None, models=tmp_path, cache_dir=tmp_path, second_pass=second
    )
    monkeypatch.setitem(app.extensions[EXTENSION], "resources", own)
    result = run("check-corpus")
    assert result.exit_code == 0, result.output
    assert "兩次標記 1 封，一致 0 封" in result.stdout
    assert f"{letter.topic} / ZZ-OTHER" in result.stdout
    assert "近乎相同" in result.stdout
