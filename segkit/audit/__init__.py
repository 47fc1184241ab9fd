"""A data set looked over before anyone trains on it."""
