"""What people are told of jobs: why one waits, how far it is, in words and as facts."""
