"""What snapshots hold: the catalogue's entries, their folders and versions, search, and downloads."""
