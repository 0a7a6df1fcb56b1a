"""Chaos: the platform dies at named points, as real processes do, starts again, and the exchange's truth judges it."""
