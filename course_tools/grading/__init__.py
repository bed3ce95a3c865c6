"""Hand out lessons as assignments, collect and grade them, and give feedback."""
