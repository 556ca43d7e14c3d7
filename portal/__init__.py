"""The shell every feature lives in: configuration, database, access, jobs, mail and pages.

It imports none of the feature packages.
"""
