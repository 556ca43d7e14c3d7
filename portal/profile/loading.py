"""Reading a profile from its YAML file, with every fault named by file and key."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from yaml.constructor import ConstructorError

from portal.profile.agency import Profile

PROFILES = Path(__file__).parent.parent / "profiles"


class ProfileError(ValueError):
    """The profile cannot be used; the message names the file and each wrong key."""


MESSAGES = {
    "missing": "缺少這一項",
    "extra_forbidden": "沒有這個設定，請檢查拼字",
    "string_pattern_mismatch": "代碼只能用英文字母、數字、「-」與「_」，以字母或數字開頭，最多 32 個字",
    "string_too_short": "不可空白",
    "string_too_long": "最多 {max_length} 個字",
    "string_type": "要填文字；數字請加引號",
    "literal_error": "只能填 {expected}",
    "int_type": "要填整數",
    "int_parsing": "要填整數",
    "int_from_float": "要填整數",
    "bool_type": "只能填 true 或 false",
    "bool_parsing": "只能填 true 或 false",
    "date_type": "要填日期，例如 2026-02-16",
    "date_parsing": "要填日期，例如 2026-02-16",
    "date_from_datetime_parsing": "要填存在的日期，例如 2026-02-16",
    "greater_than_equal": "不可小於 {ge}",
    "less_than_equal": "不可大於 {le}",
    "too_short": "至少要有 {min_length} 項",
    "tuple_type": "要填清單，每項一行，以「- 」開頭",
    "dict_type": "要填「名稱: 內容」，每項一行",
    "model_type": "要填「名稱: 內容」，每項一行",
    "value_error": "{error}",
}


class _Loader(yaml.SafeLoader):
    """YAML in which a date stays text, `off` is a word, and a key given twice is a fault.

    A date that does not exist is then named by its key, and `county: off` means what it says.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise ConstructorError(problem=f"「{key.value}」寫了兩次", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _as_written(letter: str, tag: str) -> bool:
    """Whether an unquoted value of this kind stays the text that was written."""
    return tag.endswith(":timestamp") or (tag.endswith(":bool") and letter in "yYnNoO")


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if not _as_written(letter, tag)]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_profile(path: Path) -> Profile:
    """Read and check a profile. Raises ProfileError with every fault, in Traditional Chinese."""
    try:
        return Profile.model_validate(_Loader(path.read_text(encoding="utf-8")).get_single_data())
    except OSError as error:
        raise ProfileError(f"{path.name}：讀不到機關設定檔，請確認檔案存在且可讀取。") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path.name}：{_yaml_fault(error)}。") from error
    except ValidationError as error:
        faults = "\n".join(f"  {_key(item['loc'])}：{_message(item)}" for item in error.errors())
        raise ProfileError(f"{path.name} 有 {error.error_count()} 個地方要改：\n{faults}") from error


def _yaml_fault(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"第 {mark.line + 1} 行" if mark else "檔案內容"
    if isinstance(error, ConstructorError) and error.context is None:
        return f"{where}{error.problem}"
    return f"{where}不是正確的 YAML"


def _key(location: tuple[int | str, ...]) -> str:
    named = (part for part in location if part != "[key]")
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in named)
    return parts.lstrip(".") or "整份檔案"


def _message(fault: ErrorDetails) -> str:
    """What to correct, in words an administrator can act on."""
    details = dict(fault.get("ctx", {}))
    if "expected" in details:
        details["expected"] = details["expected"].replace(", ", "、").replace(" or ", "、").replace("'", "")
    return MESSAGES.get(fault["type"], "這個值不能用").format(**details)
