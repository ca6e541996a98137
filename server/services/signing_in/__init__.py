"""How people prove who they are: passwords, second steps, and the sign-ins of their browsers."""
