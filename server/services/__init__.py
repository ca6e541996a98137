"""What the portal does: plain functions that know neither requests nor pages."""
