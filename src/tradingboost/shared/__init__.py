"""Promises only: what each service offers (`interfaces`) and what it tells the world (`events`)."""
