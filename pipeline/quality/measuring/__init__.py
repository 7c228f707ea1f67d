"""What the checks of each layer measure, on any engine."""
