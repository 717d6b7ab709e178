"""Whose word a person is rendered on, and how a delivery proves it. It does not know stores."""
