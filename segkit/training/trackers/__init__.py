"""Where runs are looked at together: a server may be away, and a run is resumed under its own id."""
