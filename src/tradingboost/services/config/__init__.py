"""Config: runtime values, versioned."""
