"""Other engines on the same work: one small driver each, run by the python of that engine's own environment."""
