"""The laptop: the lakehouse run locally, with a shop to feed it."""
