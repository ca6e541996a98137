"""What all rooms use: preferences, branding, the audit trail, forms that are sent twice."""
