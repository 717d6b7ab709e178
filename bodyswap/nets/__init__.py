"""The networks of a subject: generator, discriminators, their losses, and the folder on disk."""
