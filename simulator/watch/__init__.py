"""Watching a landing zone and the code: what starts another run, and what it changes in gold."""
