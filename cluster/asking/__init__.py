"""What people ask for: renders, estimates, shards once more. The store is all it takes."""
