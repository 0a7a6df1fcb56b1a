"""One file a service: its Protocol and the values that cross it."""
