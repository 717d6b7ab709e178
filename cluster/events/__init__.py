"""Jobs that start themselves: from an object's arrival in a bucket to its shot in another."""
