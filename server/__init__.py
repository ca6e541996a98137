"""The portal: customers, plans, computers, the catalogue of their snapshots, and the client API."""
