"""What writes docs/configuration.md and docs/api.md: `make docs-reference`."""
