"""Lessons: text source -> executed notebook -> student edition, and the gates between."""
