"""Telling others of jobs over HTTP: an outbox in the store, and who empties it."""
