"""Rules of `flask analytics hotspots`: letters in, one object an issue out, one clear line for bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from analytics.hotspots_cli import FIELDS, hotspots

TEXTS = (
    "行動電源冒煙\n在夜市買的星耀牌行動電源，充電十分鐘就冒煙，外殼都融了。",
    "星耀牌行動電源起火\n昨天星耀牌行動電源在背包裡起火，差點燒到人，請下架。",
    "檢舉星耀牌行動電源\n星耀牌行動電源沒有檢驗標識，充電還會冒煙，很危險。",
    "計程車計費表檢定\n換輪胎之後計費表需要重新檢定嗎？去哪裡排隊？",
)
DATES = ("2026/11/3 9:05:00", "2026-11-02", "2026-11-04T08:30:00+08:00", "115/11/5")


@pytest.fixture(autouse=True)
def _instance(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QINGTING_INSTANCE", str(tmp_path_factory.getbasetemp()))


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(hotspots, list(arguments), input=given)


def lines(*rows: object) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def given_letters(**more: Any) -> str:
    rows = [
        {"id": f"L{place}", "date": day, "text": text} | more
        for place, (day, text) in enumerate(zip(DATES, TEXTS, strict=True))
    ]
    return lines(*rows)


def refused(result: Result, *words: str) -> None:
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in result.stderr


def test_each_issue_is_one_object_with_the_fields_of_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    file.write_text(given_letters(), encoding="utf-8")
    result = run(str(file), "--json")
    assert result.exit_code == 0, result.output
    (row,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert tuple(row) == FIELDS
    assert row["members"] == ["L1", "L0", "L2"], "in the order of their dates"
    assert (row["first"], row["last"]) == ("2026-11-02", "2026-11-04")
    assert (row["posts"], row["people"], row["mass_posting"]) == (3, 3, False)
    assert "行動電源" in row["label"]


def test_people_are_told_apart_by_person() -> None:
    row = json.loads(run("--json", given=given_letters(person="p1", topic="SAFE")).stdout)
    assert (row["posts"], row["people"], row["mass_posting"]) == (3, 1, True)


def test_issues_come_with_the_highest_score_first() -> None:
    more = [
        {"id": n, "date": "2026-11-01", "text": f"電子秤不準\n菜市場的電子秤不準，第{n}攤"} for n in range(9)
    ]
    rows = [
        json.loads(line) for line in run("--json", given=given_letters() + lines(*more)).stdout.splitlines()
    ]
    assert len(rows) == 2
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)


def test_without_json_people_can_read_it() -> None:
    result = run(given=given_letters())
    assert result.exit_code == 0, result.output
    assert "3 封／3 人" in result.stdout


def test_every_date_form_is_read() -> None:
    days = ["2026-11-02 08:00:00", "2026/11/2", "2026.11.02", "20261102", "115-11-02", "2026-11-01T18:00:00Z"]
    rows = [{"id": place, "date": day, "text": TEXTS[0]} for place, day in enumerate(days)]
    row = json.loads(run("--json", given=lines(*rows)).stdout)
    assert (row["posts"], row["first"], row["last"]) == (6, "2026-11-02", "2026-11-02")


def test_ids_may_repeat() -> None:
    rows = [{"id": 7, "date": "2026-11-02", "text": text} for text in TEXTS[:3]]
    assert json.loads(run("--json", given=lines(*rows)).stdout)["members"] == [7, 7, 7]


def test_nothing_to_tell_is_no_error() -> None:
    for given in ("", "\n\n", lines({"id": 1, "date": "2026-11-02", "text": ""})):
        result = run("--json", given=given)
        assert (result.exit_code, result.stdout) == (0, "")


def test_odd_but_legal_text_is_read() -> None:
    odd = ("", "啊", "😀", "\x00\x1b", "字" * 1_000_000)
    rows = [{"id": place, "date": "2026-11-02", "text": text} for place, text in enumerate(odd)]
    result = run(
        "--json", given=lines(*rows) + '{"id": "\\ud83d", "date": "2026-11-02", "text": "\\ud83d"}\n'
    )
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "不是正確的 JSON"),
        ("[1]", "應為一個 JSON 物件"),
        ('{"date": "2026-11-02", "text": "a"}', "缺少 id"),
        ('{"id": true, "date": "2026-11-02", "text": "a"}', "缺少 id"),
        ('{"id": 1, "text": "a"}', "缺少文字欄位 date"),
        ('{"id": 1, "date": "2026-11-02"}', "缺少文字欄位 text"),
        ('{"id": 1, "date": "昨天", "text": "a"}', "昨天"),
        ('{"id": 1, "date": "2026-02-30\\n", "text": "a"}', "2026-02-30"),
        ('{"id": 1, "date": "9999-12-31T23:00:00-14:00", "text": "a"}', "日期"),
        ('{"id": 1, "date": "2026-11-02", "text": "a", "person": [1]}', "person 應為文字"),
    ],
)
def test_a_bad_line_is_named_with_its_place_and_reason(tmp_path: Path, bad: str, reason: str) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text(given_letters() + "\n" + bad + "\n", encoding="utf-8")
    refused(run(str(file)), "in.jsonl 第 6 行", reason)


def test_binary_input_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    refused(run(given=b"\xff\xfe\x00\x01"), "標準輸入 第 1 行", "UTF-8")
    refused(run(str(tmp_path / "none")), "無法開啟")
