"""Objects of a label image: what they measure, and their files."""
