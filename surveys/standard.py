"""The standard service-satisfaction questionnaire, made from an agency's profile.

The dimensions are those that Taiwan's agencies report (研考會 and 國發會 series, agency surveys): the same
ten items and the same five-point wording everywhere, so that years and agencies can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from portal.profile import Choice, Profile
from surveys.definition import Definition, Option, QuestionSpec
from surveys.models import QuestionKind

OVERALL = "I"
"""The code of 整體滿意, the one dimension that everybody is asked to answer."""

DIMENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "A": "服務態度",
        "B": "專業知識",
        "C": "處理時效",
        "D": "流程簡便",
        "E": "資訊清楚",
        "F": "環境設施",
        "G": "問題解決",
        "H": "公平透明",
        "I": "整體滿意",
        "J": "符合期待",
    }
)
"""Short names of the dimensions by question code, for tables and charts."""

WORDING = {
    "A": "您對服務人員的態度滿意嗎？",
    "B": "您對服務人員的專業知識滿意嗎？",
    "C": "您對辦理或回覆的速度滿意嗎？",
    "D": "您對申辦流程與應備文件的簡便程度滿意嗎？",
    "E": "您對網站、書表或電話說明的清楚程度滿意嗎？",
    "F": "您對服務場所的環境與設施滿意嗎？",
    "G": "您對問題獲得解決的程度滿意嗎？",
    "H": "您對承辦過程的公平與透明滿意嗎？",
    "I": "整體來說，您對這次的服務滿意嗎？",
    "J": "您對這次服務符合期待的程度滿意嗎？",
}
HELP = {"F": "臨櫃才需回答。"}

NO_OPINION = "na"
"""The code of 無意見／未使用; it is kept, and never counts in n."""

SCALE = (
    Option("5", "非常滿意"),
    Option("4", "滿意"),
    Option("3", "普通"),
    Option("2", "不滿意"),
    Option("1", "非常不滿意"),
    Option(NO_OPINION, "無意見／未使用"),
)

ABOUT, FEELING, WORDS = "您洽辦的服務", "您的感受", "想告訴我們的話"
BEST, IMPROVE = "best", "improve"
COMMENTS: Mapping[str, str] = MappingProxyType({BEST: "最滿意的地方", IMPROVE: "最需要改善的地方"})
"""Short names of the two open questions by code."""

INTRO = (
    "謝謝您使用我們的服務。這份問卷大約需要 3 分鐘，採匿名填答："
    "不問姓名、不記錄網路位址，也不會和您的來信或案件連在一起。"
)
DO_NOT_NAME = "請不要寫姓名、電話等個人資料；這份問卷是匿名的，我們無法回覆您。"


def standard_survey(profile: Profile) -> Definition:
    """The questionnaire of one agency: its service lines, channels, units and kinds of people."""
    return Definition(
        slug=profile.satisfaction.slug,
        title=profile.satisfaction.title,
        intro=INTRO,
        questions=(*_about(profile), *_dimensions(), *_open_questions()),
    )


def _about(profile: Profile) -> Iterable[QuestionSpec]:
    spec = profile.satisfaction
    units = tuple(Option(unit.code, unit.name) for unit in profile.units)
    seldom = (Option("first", "第一次"), Option("sometimes", "偶爾"), Option("often", "經常"))
    yield _choice("service_line", "您這次洽辦的是哪一種服務？", _described(spec.service_lines), required=True)
    yield _choice("channel", "您用什麼方式洽辦？", _options(spec.channels))
    yield _choice("unit", "您洽辦的是哪一個單位？", units, help="不確定可以不選。")
    yield _choice("identity", "您的身分是？", _options(spec.identities))
    yield _choice("first_time", "您多久使用一次我們的服務？", seldom)


def _choice(
    code: str, label: str, options: tuple[Option, ...], *, help: str = "", required: bool = False
) -> QuestionSpec:
    return QuestionSpec(
        code=code,
        role=code,
        kind=QuestionKind.CHOICE,
        section=ABOUT,
        label=label,
        help=help,
        required=required,
        options=options,
    )


def _options(choices: Iterable[Choice]) -> tuple[Option, ...]:
    return tuple(Option(choice.code, choice.name) for choice in choices)


def _described(choices: Iterable[Choice]) -> tuple[Option, ...]:
    """Options that say what belongs to them."""
    return tuple(
        Option(choice.code, f"{choice.name}（{choice.description}）" if choice.description else choice.name)
        for choice in choices
    )


def _dimensions() -> Iterable[QuestionSpec]:
    for code in DIMENSIONS:
        yield QuestionSpec(
            code=code,
            kind=QuestionKind.SCALE,
            section=FEELING,
            label=WORDING[code],
            help=HELP.get(code, ""),
            required=code == OVERALL,
            options=SCALE,
        )


def _open_questions() -> Iterable[QuestionSpec]:
    for code, label in ((BEST, "您最滿意的是什麼？"), (IMPROVE, "您覺得最需要改善的是什麼？")):
        yield QuestionSpec(code=code, kind=QuestionKind.TEXT, section=WORDS, label=label, help=DO_NOT_NAME)
