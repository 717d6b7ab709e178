"""The command line: a verb a file, mounted in `app`."""
