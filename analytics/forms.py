"""Forms of the improvement pages."""

from __future__ import annotations

from wtforms import DateField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from portal.forms import BaseForm, long_text
from portal.profile import Profile


class ImprovementForm(BaseForm):
    topic = SelectField("相關主題", invalid_choice_message="請從清單選擇主題。")
    opinion = long_text(
        "民眾的意見",
        description="民眾反映了什麼？請用自己的話寫，不要貼上姓名、電話等個人資料。",
        empty="請寫下民眾反映的意見。",
    )
    measure = long_text(
        "改善措施",
        description="單位要改變什麼？例如：在申請網頁加上應備文件清單。",
        empty="請寫下改善措施。",
    )
    due_on = DateField("預定完成日", validators=[InputRequired("請選擇預定完成日。")])

    def offer_topics(self, profile: Profile) -> None:
        """Fill the list of topics."""
        self.topic.choices = [
            SelectChoice("", "（不限主題）"),
            *(SelectChoice(topic.code, topic.name) for topic in profile.topics if not topic.restricted),
        ]


class CompletionForm(BaseForm):
    done_on = DateField("完成日", validators=[InputRequired("請選擇完成日。")])
    effect = long_text("成效", description="改善後有什麼不同？有數字請寫數字和期間。", empty="請寫下成效。")
