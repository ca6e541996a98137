"""The forms of the portal's pages, one module a topic; `base` holds what all of them share."""
