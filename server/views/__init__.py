"""The portal's pages and its client API: read the request, pass a gate, call one service, answer."""
