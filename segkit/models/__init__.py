"""Networks and their encoder weights."""
