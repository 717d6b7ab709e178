"""The doors of the farm: consents, the audit log, and what a revocation puts out of reach."""
