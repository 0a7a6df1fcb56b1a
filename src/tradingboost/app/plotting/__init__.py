"""Pages to look at: candles with what a strategy saw, and what its deals earned."""
