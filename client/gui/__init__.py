"""The window: the only room that knows tkinter. Pages show what client/gui/presenters word; work runs elsewhere."""
