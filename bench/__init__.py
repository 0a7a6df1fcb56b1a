"""Figures, each a ratio inside one run where a peer exists; absolute times move with the machine."""
