"""How fast segkit is, beside other ways."""
