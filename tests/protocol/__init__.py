"""What travels between client and portal."""
