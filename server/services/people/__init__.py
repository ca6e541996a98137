"""Customers, their accounts, and the reseller's staff: who they are, and who may know of whom."""
