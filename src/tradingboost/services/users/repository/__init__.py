"""All SQL of `users`, by noun."""
