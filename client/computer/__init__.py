"""What there is on this computer: its hardware, its folders, and what is known of its own backups."""
