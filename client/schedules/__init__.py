"""When backups are due, how fast they may be, and how the system is told to look at the clock."""
