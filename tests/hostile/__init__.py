"""Files that nobody should have to trust: made from a seed, and what must come of them."""
