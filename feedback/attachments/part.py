"""What files of letters register: room in requests, tidying, scanning, what disposal means for them."""

from __future__ import annotations

from flask import Flask

from feedback.attachments import keeping
from feedback.attachments.models import Attachment
from feedback.retention import holdings
from portal import sweep
from portal.files.uploads import takes_files
from portal.jobs import Job, register
from portal.sweep import Sweep


def init_app(app: Flask) -> None:
    takes_files(app, "feedback.new", "feedback.supplement", "entering.new", "entering.draft")
    holdings.add(app, holdings.delete(Attachment.case_id))
    sweep.register(app, Sweep("held-files", "沒有送出的附件", Attachment, keeping.is_stale))
    register(
        app,
        Job(
            "scan-files", "補掃附件的病毒", "feedback.attachments.keeping:scan_waiting",
            {"minute": "*/5"}, has_work=keeping.has_waiting,
        ),
        # After the sweep and the disposal of letters, which delete the rows.
        Job(
            "delete-files", "刪除不再需要的附件檔案", "feedback.attachments.keeping:delete_unowned",
            {"hour": "4", "minute": "10"},
        ),
    )  # fmt: skip
