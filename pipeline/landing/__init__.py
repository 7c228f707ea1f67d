"""The landing zone: which files there are, whether they can be taken in, and their rows as text."""
