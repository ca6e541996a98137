"""Stories of the client, told with real files and real sockets."""
