"""The only place that knows everybody: settings, topology, wiring, and what is run."""
