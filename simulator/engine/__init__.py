"""The laptop's engine: Polars computes, delta-rs keeps the tables."""
