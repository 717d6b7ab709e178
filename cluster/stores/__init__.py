"""Where bytes lie: a folder or a bucket, spoken to alike; each conditional put has one winner."""
