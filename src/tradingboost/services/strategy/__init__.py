"""Strategy: the live shell around the kernels."""
