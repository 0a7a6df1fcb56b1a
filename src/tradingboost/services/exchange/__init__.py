"""Exchange: the one door to the venues."""
