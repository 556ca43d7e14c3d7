"""Answers that units publish, so that people find them before they write."""
