"""Candles on disk: files people bring, and the store of plain columns."""
