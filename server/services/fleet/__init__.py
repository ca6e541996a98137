"""The computers: how they join, what they are, how they do, and what needs attention."""
