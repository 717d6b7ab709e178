"""Trainings on the farm: their store, their workers, their progress."""
