"""The commands of ibs-client, a module each: `add_arguments(parser)`, and `run(arguments)`, which gives the exit code.

A module is imported only when its command is used, so that a scheduled run does not pay for the others.
"""
