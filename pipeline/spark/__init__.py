"""Spark: the engine that runs in AWS Glue, and on a laptop with Java."""
