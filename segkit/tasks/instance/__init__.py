"""The task of objects: each one found, and told from those that it touches."""
