"""Candles for research: bringing them in, looking at them, handing them out."""
