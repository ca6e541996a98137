"""Plans, subscriptions and space: what customers bought, until when, and what it holds."""
