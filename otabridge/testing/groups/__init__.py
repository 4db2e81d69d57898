"""The groups of conformance tests: one file, one class, one subject."""
