"""What the window says: events, answers and documents in, words and states out. Nothing here knows tkinter."""
