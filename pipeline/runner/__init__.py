"""A run: what is taken in, refined and summed, in which order, and as one transaction."""
