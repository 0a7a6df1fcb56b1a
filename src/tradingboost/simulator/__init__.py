"""The simulated exchange's shell: an OKX v5 look-alike over the pure core, for paper trading, demos and tests."""
