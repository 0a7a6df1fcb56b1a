"""Positions: the fold of fills, its books, and what it is worth now."""
