"""Engines: the same network, by whatever runs it fastest here. They do not know what it computes.

`engine.py` says what one is and builds it by name; `proof.py` holds it to what PyTorch itself says.
"""
