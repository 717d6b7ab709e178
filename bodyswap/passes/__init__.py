"""What `pipeline` wires the stages together with: pieces, recipes, casts, joins that are mended."""
