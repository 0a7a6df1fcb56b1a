"""Replaying candles through the whole platform: the market moves, everybody reacts, the market moves on."""
