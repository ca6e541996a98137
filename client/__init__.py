"""The thin client: backs one computer up to a storage and brings its files back.

Bottom to top: errors and events, system, store, jobs, api, computer, run, restores, schedules, commands, cli, gui. The
server is never imported, it is asked over HTTP.
"""

VERSION = "0.1.0"
