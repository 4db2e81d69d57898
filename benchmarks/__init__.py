"""otabridge beside what its users would pick instead, measured in one run: `python -m benchmarks --help`."""
