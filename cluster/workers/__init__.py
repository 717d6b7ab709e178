"""Who does the work, and where: one warm worker, in this process or as Ray actors."""
