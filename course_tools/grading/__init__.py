"""Grading: hand-ins are run in a sandbox; a process that never runs them compares."""
