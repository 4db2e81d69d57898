"""The kit is tried on itself: mutants that it must kill, and references that it must pass."""
