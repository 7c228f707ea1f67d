"""Where a figure comes from, and where a delivered row went: down to file and row."""
