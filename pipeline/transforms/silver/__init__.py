"""From text as delivered to typed, valid rows, one per key; and to quarantine with the reasons."""
