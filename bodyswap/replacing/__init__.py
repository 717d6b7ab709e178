"""Replace in the plate: the subject where the performer was, and not a pixel else."""
