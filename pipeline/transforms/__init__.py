"""Pure functions from frames to frames, in Narwhals expressions only: lazy, no clock, no I/O."""
