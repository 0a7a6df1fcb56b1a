"""Versions of schema `exchange`."""
