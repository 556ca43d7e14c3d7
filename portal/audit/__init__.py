"""Who did what, when: each act is a link of a hash chain, written in the transaction of the act.

docs/audit.md says what is recorded, how a link's hash is made and what the chain proves.
"""

from __future__ import annotations

from portal.audit.events import AuditEvent as AuditEvent
from portal.audit.events import AuditHead as AuditHead
from portal.audit.events import record as record
