"""What staff type to find letters."""

from __future__ import annotations

from wtforms import Form, SelectField, StringField
from wtforms.validators import Length

from feedback.search import STATES
from feedback.staff_forms import choices
from portal.forms import PlainText, clean
from portal.fulltext import LONGEST_QUERY, Query, parse


class SearchForm(Form):
    """The words, and which letters; read from the address. A state that is not offered counts as all."""

    q = StringField(
        "要找的字",
        filters=[clean],
        description="編號、主旨、內容、答復或補充裡的字。每個詞都要有才算；要找整句，前後加引號。",
        validators=[
            Length(max=LONGEST_QUERY, message=f"最多 {LONGEST_QUERY} 個字，請縮短後再搜尋。"),
            PlainText(),
        ],
        render_kw={"type": "search", "autocomplete": "off"},
    )
    state = SelectField("哪些信", choices=choices(STATES.items()), default="all", validate_choice=False)

    def query(self) -> Query | None:
        """What to look for; None, with what to correct, when that cannot be said."""
        if self.state.data not in STATES:
            self.state.data = "all"
        if not self.validate():
            return None
        found = parse(self.q.data or "")
        if not found:
            self.q.errors = ["請輸入至少一個字或數字；標點與符號不能單獨搜尋。"]
        return found or None

    def as_args(self) -> dict[str, str]:
        """The search as an address says it."""
        given = {"q": self.q.data or ""}
        return given if self.state.data == "all" else given | {"state": self.state.data}
