"""Where runs are looked at together, each once; a server that is away costs a warning."""
