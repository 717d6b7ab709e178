"""What a user would otherwise pick, each behind a small adapter; none is needed to render."""
