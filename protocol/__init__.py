"""What the client and the portal say to each other: the messages of the client API and its refusals."""

__version__ = "0.1.0"
