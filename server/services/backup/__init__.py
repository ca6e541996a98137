"""One run from its opening to its commit or its end, and the lists of runs."""
