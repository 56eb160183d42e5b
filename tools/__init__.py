"""What the Makefile starts: prepare, run, test. Nothing here is part of the served product."""
