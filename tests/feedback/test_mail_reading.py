"""Whatever a mail is made of, its words are understood or at least kept, and machines are not answered."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feedback.mail_reading import CUT, FULL_TEXT, MAX_TEXT, NO_TEXT, Kind, Mail, read_mail
from feedback.mail_words import decode, header, html_text
from portal.forms import has_control
from tests.feedback.mailing import mail, plain, raw

OWN = "no-reply@agency.test"
WORDS = "買到的延長線會冒煙，請查一查。"


def read(message: EmailMessage | bytes) -> Mail:
    return read_mail(message if isinstance(message, bytes) else raw(message), own_address=OWN)


def test_a_plain_mail_is_its_sender_subject_and_words() -> None:
    found = read(mail(WORDS))
    assert (found.kind, found.name, found.address) == (Kind.LETTER, "陳大文", "chen@example.com")
    assert (found.subject, found.body, found.files) == ("請問國家標準", WORDS, [])


@pytest.mark.parametrize(
    ("body", "label"),
    [
        (WORDS.encode("cp950"), "big5"),
        (WORDS.encode(), "utf-8"),
        (WORDS.encode("gb18030"), "gb2312"),  # 買 and 請 are not in GB2312
        (WORDS.encode(), "gb2312"),
        (WORDS.encode(), "big5"),
        (WORDS.encode("cp950"), "utf-8"),
        (WORDS.encode("cp950"), "us-ascii"),
        (WORDS.encode(), "x-unknown"),
        (WORDS.encode("cp950"), "base64"),
        (WORDS.encode("utf-16"), "utf-16"),
    ],
)
def test_words_are_read_whatever_the_mail_calls_their_charset(body: bytes, label: str) -> None:
    packed = base64.encodebytes(body)
    assert read(plain(packed, f'text/plain; charset="{label}"', encoding="base64")).body == WORDS


def test_broken_bytes_lose_nothing_but_themselves() -> None:
    body = read(plain("前半".encode() + b"\xff\xfe" + "後半".encode(), "text/plain; charset=utf-8")).body
    assert body == "前半\ufffd\ufffd後半"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("=?big5?B?" + base64.b64encode("檢驗標識".encode("big5")).decode() + "?=", "檢驗標識"),
        ("=?utf-8?Q?=E6=AA=A2=E9=A9=97_A?= B", "檢驗 A B"),
        ("=?utf-8?B?5qqi6amX?=\r\n =?utf-8?B?5qiZ6K2Y?=", "檢驗標識"),
        ("=?utf-8?B?5qqi6Q==?= =?utf-8?B?qZc=?=", "檢驗"),  # cut in the middle of a character
        ("=?utf-8?B?!!!?= x", "!!! x"),
        ("=?nonsense?B?5qqi6amX?=", "檢驗"),
        ("plain =? text ?=", "plain =? text ?="),
    ],
)
def test_a_subject_is_decoded(written: str, meant: str) -> None:
    assert header(written) == meant


def test_a_subject_in_raw_bytes_is_read() -> None:
    found = read(plain(b"x", "text/plain", subject="冒煙".encode("cp950")))
    assert found.subject == "冒煙"


def test_of_alternatives_the_plain_one_is_taken_unless_it_is_a_stub() -> None:
    both = mail(WORDS)
    both.add_alternative(f"<p>{WORDS}</p>", subtype="html")
    assert read(both).body == WORDS
    stub = mail("請用 HTML 閱讀。")
    stub.add_alternative(f"<p>{WORDS}</p><p>{WORDS}</p>", subtype="html")
    assert read(stub).body.count(WORDS) == 2


def test_html_becomes_text_without_scripts_and_with_its_links() -> None:
    page = (
        "<html><head><title>x</title><style>p{color:red}</style></head><body><p>第一段<br>換行</p>"
        "<script>alert('壞')</script><p>第二段 &amp; <a href='https://shop.test/1'>商品</a>"
        "<a href='javascript:bad()'>壞連結</a></p><table><tr><td>甲</td>"
        "<td>乙</td></tr></table></body></html>"
    )
    assert html_text(page) == "第一段\n換行\n\n第二段 & 商品（https://shop.test/1）壞連結\n\n甲 乙"


@pytest.mark.parametrize("piece", ["<a ", "<!--", "<a b='", "<![CDATA[", "<div>", "<p>x", "</", "&#"])
def test_purpose_made_html_is_read_at_once(piece: str) -> None:
    began = time.process_time()
    html_text(piece * 50_000)
    assert time.process_time() - began < 5  # the parser of the standard library needs minutes


def test_nested_parts_give_all_their_words_and_files() -> None:
    message = mail("第一部分")
    message.add_attachment(b"PK\x03\x04", maintype="application", subtype="zip", filename="證據.zip")
    inner = mail("轉寄的信", Subject="原信")
    message.add_attachment(inner)
    found = read(message)
    assert found.body == "第一部分"
    assert [name for name, _ in found.files] == ["證據.zip", "附件.eml"]
    assert found.files[0][1] == b"PK\x03\x04"
    assert "轉寄的信" in read(found.files[1][1]).body


def test_a_text_file_is_a_file_and_not_the_letter() -> None:
    message = mail(WORDS)
    message.add_attachment("別的文字", filename="../../etc/passwd")
    found = read(message)
    assert found.body == WORDS
    assert found.files[0][0] == "passwd"


def test_a_mail_without_words_says_so() -> None:
    assert read(mail("")).body == NO_TEXT
    assert read(b"").body == NO_TEXT


def test_ten_thousand_quoted_lines_are_kept_whole() -> None:
    text = "\n".join(f"> 第 {line} 行" for line in range(10_000))
    assert read(mail(text)).body == text


def test_what_no_letter_holds_comes_whole_among_the_files() -> None:
    text = "字" * (MAX_TEXT + 1)
    found = read(mail(text))
    assert found.body == "字" * MAX_TEXT + CUT
    assert found.files == [(FULL_TEXT, text.encode())]


def test_a_large_attachment_is_handed_over_as_it_was() -> None:
    data = bytes(range(256)) * (20 * 4096)
    message = mail(WORDS)
    message.add_attachment(data, maintype="image", subtype="jpeg", filename="大.jpg")
    assert read(message).files == [("大.jpg", data)]


def test_hidden_marks_and_control_characters_are_left_out() -> None:
    packed = base64.encodebytes("安\0全\u202e反\u202c\x07帽\x1b[31m".encode())
    body = read(plain(packed, "text/plain; charset=utf-8", encoding="base64")).body
    assert body == "安全反帽[31m"


def test_a_header_cannot_bring_another() -> None:
    """Line ends within an encoded word are spaces before anybody can use them."""
    evil = "=?utf-8?Q?x=0D=0ABcc:_victim=40example.com?="
    found = read(f"From: {evil} <chen@example.com>\r\nSubject: {evil}\r\n\r\nx".encode())
    assert found.subject == "x Bcc: victim@example.com"
    assert "\n" not in found.name + found.address
    assert found.address == "chen@example.com"


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ('"Chen, David" <chen@example.com>', "Chen, David", "chen@example.com"),
        ("chen@example.com (David)", "David", "chen@example.com"),
        ("chen@example.com", "", "chen@example.com"),
        ('"chief@agency.test" <chen@example.com>', "chief@agency.test", "chen@example.com"),
        ("undisclosed", "undisclosed", ""),
        pytest.param("(" * 5000, "", "", id="nested comments"),
    ],
)
def test_the_sender_is_found(written: str, name: str, address: str) -> None:
    found = read(f"From: {written}\r\n\r\nx".encode())
    assert (found.name, found.address) == (name, address)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto-Submitted": "auto-replied"}, Kind.AUTO),
        ({"Auto-Submitted": "auto-generated; owner-email=x@example.com"}, Kind.AUTO),
        ({"X-Autoreply": "yes"}, Kind.AUTO),
        ({"Precedence": "bulk"}, Kind.BULK),
        ({"X-Qingting-Outbox": "case.received-115-000001"}, Kind.OWN),
        ({"Message-ID": "<outbox-12@agency.test>"}, Kind.OWN),
        ({"From": OWN}, Kind.OWN),
        ({"Return-Path": "<>"}, Kind.BOUNCE),
        ({"From": "MAILER-DAEMON@example.com"}, Kind.BOUNCE),
        ({"Auto-Submitted": "no"}, Kind.LETTER),
        ({"Precedence": "list"}, Kind.LETTER),
        ({"Message-ID": "<outbox-12@elsewhere.test>"}, Kind.LETTER),
    ],
)
def test_what_a_machine_wrote_is_no_letter(headers: dict[str, str], kind: Kind) -> None:
    assert read(mail(**headers)).kind is kind


def test_a_delivery_report_is_a_bounce() -> None:
    assert read(plain(b"", "multipart/report; report-type=delivery-status; boundary=x")).kind is Kind.BOUNCE


def test_what_comes_by_a_list_is_quiet() -> None:
    assert read(mail(List_Id="<news.example.com>")).quiet
    assert not read(mail()).quiet


def test_the_clock_counts_from_the_agencys_own_mail_server() -> None:
    received = "from a by mx.agency.test; Mon, 23 Nov 2026 10:30:00 +0800"
    message = mail()
    message["Received"] = received
    message["Received"] = "from b by a; Fri, 20 Nov 2026 10:30:00 +0800"
    assert read(message).arrived == datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
    assert read(mail(Received="nonsense")).arrived is None
    assert read(mail(Received="x; Mon, 99 Nov 2026 10:30:00 +9999")).arrived is None


def test_a_name_is_the_id_or_else_everything() -> None:
    assert read(mail(Message_ID="<a@b>")).key == read(mail("別的", Message_ID="<a@b>")).key
    assert read(mail(Message_ID="")).key != read(mail("別的", Message_ID="")).key


def test_a_number_in_the_subject_refers_to_a_letter() -> None:
    assert read(mail(Subject="Re: 您的來信已有答復（115-000123）")).refers == "115-000123"
    assert read(mail(Subject="電話 02-1234567890123")).refers == ""


def test_parts_nested_beyond_reason_are_kept_as_they_are() -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000)
    )
    assert "最裡面" in read(b"From: chen@example.com\r\n" + deep + "\r\n最裡面".encode()).body


def test_a_wrong_boundary_hides_no_words() -> None:
    assert WORDS in read(plain(WORDS.encode(), 'multipart/mixed; boundary="gone"')).body


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=600))
@example(b"Content-Type: text/plain; charset=\0\r\n\r\nx")
@example(b"Content-Type: text/plain; charset*=utf-8''%FF\r\n\r\n\xff")
@example(b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!")
@example(b"Content-Disposition: attachment; filename*0*=x''%zz\r\nContent-Type: image/png\r\n\r\n")
@example(b"From: =?punycode?B?//8=?= <a@b>\r\nSubject: =?unicode_escape?Q?=5Cx?=\r\n\r\n")
def test_no_bytes_break_the_reading(data: bytes) -> None:
    found = read(data)
    assert found.body
    found.body.encode()
    assert not has_control(found.subject + found.name + found.address + found.message_id + found.body)


HEADERS = st.sampled_from([
    "From", "Subject", "Content-Type", "Content-Transfer-Encoding", "Message-ID", "Content-Disposition",
    "Received",
])  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(HEADERS, st.text(max_size=60)), max_size=6), st.text(max_size=200))
def test_no_headers_break_the_reading(headers: list[tuple[str, str]], body: str) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    assert read(f"{lines}\r\n{body}".encode("utf-8", "surrogatepass")).body


@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_bytes_under_any_label_are_some_text(data: bytes, label: str) -> None:
    decode(data, label).encode("utf-8", "surrogatepass")
