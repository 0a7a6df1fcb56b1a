"""Notifications: what a person is told, stored before it is shown."""
