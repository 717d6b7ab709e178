"""The farm."""

import os

# Ray reads it when it is imported, wherever that happens first: no Ray without tokens.
os.environ.setdefault("RAY_AUTH_MODE", "token")
