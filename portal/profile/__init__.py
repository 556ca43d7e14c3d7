"""The agency as data: who it is, its units, topics, services, channels, clocks and calendar.

A profile is one YAML file. It is checked when it is loaded; every mistake is named by file and key,
and nothing about one agency stands anywhere in code.
"""

from __future__ import annotations

from portal.profile.agency import Profile
from portal.profile.loading import PROFILES, ProfileError, load_profile
from portal.profile.parts import Choice, County, Deadline, Demand, Intake, ReplyCheck
from portal.profile.replies import ReplyTemplate

__all__ = [
    "PROFILES",
    "Choice",
    "County",
    "Deadline",
    "Demand",
    "Intake",
    "Profile",
    "ProfileError",
    "ReplyCheck",
    "ReplyTemplate",
    "load_profile",
]
