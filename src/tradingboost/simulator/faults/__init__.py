"""Faults on purpose: what a rule says, when it acts, and what the client then experiences."""
