"""What the auditor of a history raises."""


class ViolationError(AssertionError):
    """Something happened that must not."""
