"""Files of letters: what is understood, what is refused and why, and that a repeat changes nothing."""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from odfdo import Cell, Document, Row, Table

from feedback import sheets
from feedback.importing import open_letters
from feedback.models import Case, CaseEvent
from feedback.services import importing
from feedback.services.importing import ImportResult, first_words, read_day, take_in
from feedback.sheets import UnreadableError
from portal.app import profile
from portal.audit import AuditEvent
from portal.clock import TAIPEI, last_day, local_date
from portal.db import db
from portal.errors import NotReady
from portal.outbox import OutboxMessage
from tests.factories import NOW, unit

HEADING = ["主旨", "內容", "日期", "管道", "姓名", "電子郵件", "電話", "縣市", "單位", "外部編號"]
LINE = [
    "磅秤", "市場的磅秤不準", "115/11/20", "電話", "陳大文", "chen@example.com", "0912-345-678", "台中市",
    "度量衡技術組", "A-1",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


@pytest.fixture
def command(ctx: Flask) -> Callable[[Path], Result]:
    return lambda path: ctx.test_cli_runner().invoke(args=["feedback", "import", str(path)])


def brought(path: Path, now: datetime = NOW) -> ImportResult:
    return take_in(open_letters(path).rows(), profile=profile(), now=now)


def kept() -> list[Case]:
    return list(db.session.scalars(sa.select(Case).order_by(Case.id)))


def write_csv(path: Path, rows: list[list[str]], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def write_jsonl(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def write_xlsx(path: Path, rows: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def write_ods(path: Path, rows: list[list[Any]]) -> Path:
    document = Document("spreadsheet")
    document.body.clear()
    table = Table("信")
    for values in rows:
        row = Row()
        for value in values:
            row.append_cell(Cell(value))
        table.append_row(row)
    document.body.append(table)
    document.save(path)
    return path


WRITERS: dict[str, Callable[[Path, list[list[str]]], Path]] = {
    "csv": write_csv,
    "xlsx": write_xlsx,
    "ods": write_ods,
    "jsonl": lambda path, rows: write_jsonl(
        path, *(dict(zip(rows[0], row, strict=True)) for row in rows[1:])
    ),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_of_file_brings_a_whole_letter(kind: str, tmp_path: Path) -> None:
    assert brought(WRITERS[kind](tmp_path / f"信.{kind}", [HEADING, LINE])).taken == 1
    (case,) = kept()
    db.session.refresh(case, ["contact"])
    assert (case.subject, case.body, case.channel, case.county) == (
        "磅秤",
        "市場的磅秤不準",
        "phone",
        "臺中市",
    )
    assert case.unit_id == unit("metrology-tech").id
    assert case.received_at == datetime(2026, 11, 20, 12, tzinfo=TAIPEI)
    assert last_day(case.due_at) == date(2026, 12, 21)  # thirty days on is a Sunday
    assert case.number.startswith("115-")
    contact = case.contact
    assert contact is not None
    assert (contact.name, contact.email, contact.phone) == ("陳大文", "chen@example.com", "0912-345-678")


def test_imported_letters_get_no_mail_and_are_audited(tmp_path: Path) -> None:
    brought(write_csv(tmp_path / "a.csv", [HEADING, LINE]))
    assert db.session.scalars(sa.select(OutboxMessage)).all() == []
    actions = set(db.session.scalars(sa.select(AuditEvent.action)))
    assert actions == {"case.opened", "case.imported"}
    assert db.session.scalar(sa.select(sa.func.count(CaseEvent.id))) == 1


@pytest.mark.parametrize("kind", WRITERS)
def test_a_repeated_import_changes_nothing(kind: str, tmp_path: Path) -> None:
    rows = [["text", "external_id"], ["第一封", "1"], ["第二封", ""], ["第三封", ""]]
    path = WRITERS[kind](tmp_path / f"a.{kind}", rows)
    assert brought(path).taken == 3
    again = brought(path, NOW + timedelta(days=3))
    assert (again.taken, again.skipped, again.refused) == (0, 3, [])
    assert len(kept()) == 3


def test_one_file_may_hold_the_same_letter_twice(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", {"text": "一樣的話"}, {"text": "一樣的話"})
    result = brought(path)
    assert (result.taken, result.skipped) == (1, 1)


def test_the_same_words_from_others_or_on_another_day_are_other_letters(tmp_path: Path) -> None:
    rows: list[dict[str, str]] = [
        {"text": "連署的話", "name": "甲"},
        {"text": "連署的話", "name": "乙"},
        {"text": "連署的話", "name": "乙", "date": "2026-11-01"},
    ]
    assert brought(write_jsonl(tmp_path / "a.jsonl", *rows)).taken == 3


def test_an_external_id_with_other_words_is_not_swallowed(tmp_path: Path) -> None:
    brought(write_jsonl(tmp_path / "a.jsonl", {"text": "原來的話", "external_id": 7}))
    result = brought(write_jsonl(tmp_path / "b.jsonl", {"text": "改過的話", "external_id": "7"}))
    assert (result.taken, result.skipped) == (0, 0)
    assert [(item.row, "外部編號" in item.reason) for item in result.refused] == [(1, True)]


def test_the_same_id_from_another_channel_is_another_letter(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "a.jsonl",
        {"text": "電話說的", "external_id": "1", "channel": "phone"},
        {"text": "傳真說的", "external_id": "1", "channel": "fax"},
    )
    assert brought(path).taken == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": ""}, "請輸入內容"),
        ({"text": "　\n"}, "請輸入內容"),
        ({"subject": "只有主旨"}, "請輸入內容"),
        ({"text": "字" * 5001}, "內容最長 5,000 個字"),
        ({"text": "話", "subject": "字" * 201}, "主旨最長 200 個字"),
        ({"text": "前\x00後"}, "控制字元"),
        ({"text": "半個\ud800字"}, "控制字元"),
        ({"text": "話", "date": "2026-11-24"}, "今天之後"),
        ({"text": "話", "date": "去年"}, "日期看不懂"),
        ({"text": "話", "date": "115/02/30"}, "日期看不懂"),
        ({"text": "話", "date": "26/11/23"}, "日期看不懂"),
        ({"text": "話", "channel": "飛鴿"}, "管道"),
        ({"text": "話", "county": "亞特蘭提斯"}, "縣市"),
        ({"text": "話", "email": "沒有小老鼠"}, "電子郵件的格式"),
        ({"text": "話", "phone": "請打給我"}, "電話只能有數字"),
        ({"text": "話", "name": "字" * 81}, "姓名最長"),
        ({"text": "話", "external_id": "字" * 201}, "外部編號"),
        ({"text": "話", "external_id": "\ud800"}, "外部編號"),
        ({"text": ["不是文字"]}, "要是文字"),
        ({"text": True}, "要是文字"),
        (["不是物件"], "JSON 物件"),
        ("不是物件", "JSON 物件"),
    ],
)
def test_a_refused_row_says_where_and_why_and_leaves_nothing(row: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps({'text': '好的一封'})}\n\n{json.dumps(row)}\n", encoding="ascii")
    result = brought(path)
    assert result.taken == 1
    assert [(item.row, reason in item.reason) for item in result.refused] == [(3, True)]
    assert [case.body for case in kept()] == ["好的一封"]


@pytest.mark.parametrize("line", ["{", "{'text': 1}", "[" * 100_000, '{"text": ' + "1" * 5000 + "}"])
def test_a_broken_line_of_jsonl_is_one_refused_row(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{line}\n{{"text": "好的一封"}}', encoding="utf-8")
    result = brought(path)
    assert (result.taken, [item.row for item in result.refused]) == (1, [1])


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-05",
        "2026/11/5",
        "2026.11.05",
        "115-11-05",
        "115/11/5",
        "115年11月5日",
        "民國115年11月05日",
        "中華民國 115 年 11 月 5 日",
        "１１５年１１月５日",
        "2026-11-05T08:30:00",
        "115/11/05 08:30",
    ],
)
def test_days_are_read_in_both_calendars(text: str) -> None:
    assert read_day(text) == date(2026, 11, 5)


@pytest.mark.parametrize("text", ["", "11/5", "2026-13-01", "115年11月", "20261105", "0/1/1", "9999999-1-1"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert read_day(text) is None


def test_a_letter_of_today_is_never_later_than_now(tmp_path: Path) -> None:
    brought(write_jsonl(tmp_path / "a.jsonl", {"text": "話", "date": "2026-11-23"}))
    assert kept()[0].received_at == NOW  # half past ten: before noon


def test_without_a_subject_the_first_words_serve(tmp_path: Path) -> None:
    brought(write_jsonl(tmp_path / "a.jsonl", {"text": "短短的話\n第二行"}, {"body": "長" * 40}))
    assert [case.subject for case in kept()] == ["短短的話 第二行", "長" * 29 + "…"]
    assert len(first_words("長" * 40)) == 30


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("standards", "standards"),
        ("標準組", "standards"),
        ("第一組", "standards"),
        ("台中分局", "taichung"),
        ("新竹分局度量衡科", "hsinchu"),
        ("", "secretariat"),
        ("別的機關", "secretariat"),
    ],
)
def test_units_are_known_by_code_name_and_former_name(text: str, code: str, tmp_path: Path) -> None:
    result = brought(write_jsonl(tmp_path / "a.jsonl", {"text": "話", "unit": text}))
    assert (result.taken, kept()[0].unit_id) == (1, unit(code).id)
    assert result.strange_units == (["別的機關"] if text == "別的機關" else [])


def test_letters_filed_with_the_owner_of_a_restricted_topic_are_hidden(tmp_path: Path) -> None:
    brought(write_jsonl(tmp_path / "a.jsonl", {"text": "話", "unit": "政風室"}, {"text": "別的話"}))
    assert [case.restricted for case in kept()] == [True, False]


def test_a_unit_that_also_answers_open_topics_does_not_hide_its_letters(tmp_path: Path) -> None:
    topics = tuple(
        topic.model_copy(update={"owner": "ethics"}) if topic.code == "ST-CNS" else topic
        for topic in profile().topics
    )
    mixed = profile().model_copy(update={"topics": topics})
    path = write_jsonl(tmp_path / "a.jsonl", {"text": "話", "unit": "政風室"})
    take_in(open_letters(path).rows(), profile=mixed, now=NOW)
    assert [case.restricted for case in kept()] == [False]


def test_the_audit_tells_when_a_letter_was_imported_and_not_when_it_was_written(
    tmp_path: Path,
) -> None:
    brought(write_jsonl(tmp_path / "a.jsonl", {"text": "話", "date": "2025-11-05"}))
    (case,) = kept()
    opened = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "case.opened")).one()
    assert (opened.object_id, opened.at) == (case.number, NOW)
    assert local_date(case.received_at) == date(2025, 11, 5)
    assert case.number.startswith("114-")
    assert db.session.scalars(sa.select(CaseEvent.at)).all() == [case.received_at]


def test_the_lines_of_a_subject_are_joined(tmp_path: Path) -> None:
    brought(write_jsonl(tmp_path / "a.jsonl", {"text": "話", "subject": "第一行\r\n 第二行\t尾"}))
    assert kept()[0].subject == "第一行 第二行 尾"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp950", "utf-16"])
def test_encodings_are_found_out(encoding: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [["內容", "姓名"], ["磅秤不準", "陳大文"]], encoding)
    assert brought(path).taken == 1
    assert kept()[0].body == "磅秤不準"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_may_be_parted_in_other_ways(delimiter: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [["內容", "姓名"], ["一,二;三\n四", "陳大文"]], delimiter=delimiter)
    assert brought(path).taken == 1
    assert kept()[0].body == "一,二;三\n四"


def test_row_numbers_are_those_of_the_spreadsheet(tmp_path: Path) -> None:
    rows = [["text"], ["兩行\n的信"], [""], [" "], ["字" * 6000], ["好"]]
    for kind in ("csv", "xlsx", "ods"):
        result = brought(WRITERS[kind](tmp_path / f"a.{kind}", rows))
        assert [item.row for item in result.refused] == [5], kind


def test_a_line_with_too_many_columns_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [["text", "name"], ["話", "名", "多出來的"], ["話二", "名", ""]])
    result = brought(path)
    assert (result.taken, result.refused[0].reason[:11]) == (1, "這一列的欄數比標題列多")


def test_extra_columns_are_passed_over_and_named_once(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "a.jsonl", {"text": "一", "theme": 1}, {"text": "二", "theme": [], "kind": 2}
    )
    assert open_letters(path).ignored == ["theme", "kind"]
    assert open_letters(write_csv(tmp_path / "a.csv", [["text", "備註", "text"], ["一"]])).ignored == [
        "備註",
        "text",
    ]


def test_dates_and_numbers_of_spreadsheets_are_understood(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["text", "date", "external_id"], ["話", date(2026, 11, 5), 12]]
    for kind, write in (("xlsx", write_xlsx), ("ods", write_ods)):
        result = brought(write(tmp_path / f"a.{kind}", rows))
        assert result.taken + result.skipped == 1, kind
    assert [local_date(case.received_at) for case in kept()] == [date(2026, 11, 5)]


def test_a_sheet_with_holes_and_repeats_is_read_as_it_looks(tmp_path: Path) -> None:
    content = ods_content(
        "<table:table-row><table:table-cell><text:p>內容</text:p></table:table-cell>"
        '<table:table-cell table:number-columns-repeated="16383"/></table:table-row>'
        '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
        "<table:table-row><table:table-cell><office:annotation><text:p>註解</text:p></office:annotation>"
        '<text:p>第一段<text:s text:c="2"/>後</text:p>'
        "<text:p>第<text:span>二</text:span>段<text:line-break/>尾</text:p>"
        "</table:table-cell></table:table-row>"
        '<table:table-row table:number-rows-repeated="1048570"><table:table-cell/></table:table-row>'
    )
    (row,) = open_letters(zipped(tmp_path / "a.ods", {"content.xml": content})).rows()
    assert (row.number, row.values["text"]) == (4, "第一段  後\n第二段\n尾")


def ods_content(rows: str, prolog: str = "") -> str:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    return (
        f'<?xml version="1.0"?>{prolog}<office:document-content {spaces}><office:body><office:spreadsheet>'
        f"<table:table>{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
    )


def zipped(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def cut(path: Path) -> Path:
    """The same file, with its middle overwritten."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 3
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(data)
    return path


UNREADABLE: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "empty": ("a.csv", lambda path: write_bytes(path, b""), "檔案是空的"),
    "blank": ("a.csv", lambda path: write_bytes(path, b"\n\n , \n"), "沒有任何資料"),
    "binary": ("a.csv", lambda path: write_bytes(path, bytes(range(256)) * 9), "編碼"),
    "nul": ("a.csv", lambda path: write_bytes(path, b"text\nab\0c\n"), "不是文字檔"),
    "unknown letters": ("a.csv", lambda path: write_bytes(path, b"text\n\xff\xfe\xfa\xff"), "編碼"),
    "no text column": ("a.csv", lambda path: write_csv(path, [["備註"], ["x"]]), "找不到內容欄"),
    "open quote": ("a.csv", lambda path: write_bytes(path, b'text\n"abc\nd\n'), "引號沒有成對"),
    "jsonl in nothing known": ("a.jsonl", lambda path: write_bytes(path, b"\xff\xff\xff"), "編碼"),
    "not a zip": ("a.xlsx", lambda path: write_bytes(path, b"PK\x03\x04 broken"), "不是Excel"),
    "old excel": (
        "a.xlsx",
        lambda path: write_bytes(path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 99),
        "設有密碼",
    ),
    "zip of other things": ("a.xlsx", lambda path: zipped(path, {"x.txt": "x"}), "已損壞"),
    "xlsx cut up": (
        "a.xlsx",
        lambda path: cut(write_xlsx(path, [["text"], *[[f"話{n}"] for n in range(500)]])),
        "損壞",
    ),
    "ods without content": ("a.ods", lambda path: zipped(path, {"x.txt": "x"}), "已損壞"),
    "ods broken off": (
        "a.ods",
        lambda path: zipped(path, {"content.xml": ods_content("<table:table-row>")}),
        "已損壞",
    ),
    "ods cut up": (
        "a.ods",
        lambda path: cut(write_ods(path, [["text"], *[[f"話{n}"] for n in range(500)]])),
        "損壞",
    ),
    "entities": (
        "a.ods",
        lambda path: zipped(path, {"content.xml": ods_content("", '<!DOCTYPE x [<!ENTITY a "b">]>')}),
        "文件宣告",
    ),
    "late doctype": (
        "a.ods",
        lambda path: zipped(path, {"content.xml": ods_content("", f"<!--{'x' * 9999}--><!DOCTYPE x>")}),
        "文件宣告",
    ),
    "endless repeat": (
        "a.ods",
        lambda path: zipped(
            path,
            {
                "content.xml": ods_content(
                    '<table:table-row table:number-rows-repeated="99999999"><table:table-cell>'
                    "<text:p>text</text:p></table:table-cell></table:table-row>"
                )
            },
        ),
        "200,000 列",
    ),
    "other kind": ("a.docx", lambda path: write_bytes(path, b"x"), "不支援"),
    "missing": ("a.csv", lambda path: path, "找不到這個檔案"),
}


def write_bytes(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_file_is_one_clear_line_and_exit_code_two(
    name: str, tmp_path: Path, command: Callable[[Path], Result]
) -> None:
    file_name, make, reason = UNREADABLE[name]
    result = command(make(tmp_path / file_name))
    assert result.exit_code == 2, result.output
    assert reason in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert kept() == []


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_BYTES", 1 << 20)
    path = zipped(tmp_path / "a.ods", {"content.xml": ods_content(" " * (3 << 20))})
    assert path.stat().st_size < 10_000
    with pytest.raises(UnreadableError, match="解開後超過 1 MB"):
        open_letters(path)


def test_a_zip_that_lies_about_its_size_unpacks_no_further(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.ods", {"content.xml": ods_content(" " * (3 << 20))})
    data = path.read_bytes()
    true_size = (3 << 20) + len(ods_content(""))
    lie = data.replace(true_size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert lie != data
    path.write_bytes(lie)
    with pytest.raises(UnreadableError):
        open_letters(path)


def test_a_file_broken_near_its_end_takes_nothing_in(
    tmp_path: Path, command: Callable[[Path], Result]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "話\n" * 300 + '"沒有結尾的引號\n', encoding="utf-8")
    assert command(path).exit_code == 2
    assert kept() == []


def test_the_command_reports_in_words(tmp_path: Path, command: Callable[[Path], Result]) -> None:
    rows = [["text", "備註", "unit"], ["好的", "x", "別的機關"], ["好的", "y", "別的機關"], ["", "z", ""]]
    result = command(write_csv(tmp_path / "a.csv", rows))
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "沒有用到的欄位：備註",
        "不認得的單位，信已交預設單位分文：別的機關",
        "第 4 列沒有匯入：請輸入主旨。請輸入內容。",
        "匯入 1 封，略過 1 封（先前已匯入），退回 1 封。",
    ]


def test_before_setup_the_command_says_so(
    tmp_path: Path, command: Callable[[Path], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_units(*_args: object, **_kwargs: object) -> Case:
        raise NotReady

    monkeypatch.setattr(importing, "add_case", no_units)
    result = command(write_csv(tmp_path / "a.csv", [["text"], ["話"]]))
    assert (result.exit_code, "還沒有完成設定" in result.output) == (1, True)


def test_real_texts_are_taken_in_fully(shared: Path, command: Callable[[Path], Result]) -> None:
    path = shared / "bsmi_texts.dev.jsonl"
    result = command(path)
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert f"匯入 {count} 封，略過 0 封（先前已匯入），退回 0 封。" in result.output
    assert f"匯入 0 封，略過 {count} 封" in command(path).output


def test_a_thousand_letters_take_seconds(tmp_path: Path) -> None:
    rows = [["text", "date"], *([f"第 {number} 封信的內容", "115/11/02"] for number in range(1000))]
    path = write_csv(tmp_path / "a.csv", rows)
    began = time.perf_counter()
    assert brought(path).taken == 1000
    assert time.perf_counter() - began < 6
