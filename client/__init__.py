"""The thin client: backs one computer up to a storage and brings its files back.

Bottom to top: errors, events, system, documents, names, settings, control, requests, instance, jobs, runner, index,
activity, transport, portal, hardware, sleep, sources, scan, enrol, backup, restore, recover, commands, cli, gui. A
module imports only modules that stand before it in this list; the server is never imported, it is asked over HTTP.
"""

VERSION = "0.1.0"
