"""Searches for parameters: studies on disk, worker processes, walk-forward, and what a result is worth."""
