"""What a job is, and all that the store has of it. Knows no worker and no controller."""
