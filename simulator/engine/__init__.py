"""The laptop's engine: Polars computes, delta-rs keeps the tables."""

import os

# Polars reads both at its first query. Its defaults are made for large machines: they hold many
# row groups, and up to ten million rows of a join's larger side, in memory before any row leaves.
# On a laptop that costs hundreds of megabytes and gains nothing. With a single row group only one
# core would decode.
os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", "2")
os.environ.setdefault("POLARS_JOIN_SAMPLE_LIMIT", "100000")
