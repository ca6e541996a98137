"""A backup run: what changed on the disk is read, sealed, stored and committed."""
