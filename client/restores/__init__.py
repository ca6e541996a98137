"""Bringing files back: through the portal, or from the storage alone."""
