"""The portal as the client asks it, from the connection to the meaning of each answer."""
