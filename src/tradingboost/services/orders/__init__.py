"""Orders: the money path."""
