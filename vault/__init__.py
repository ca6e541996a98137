"""One computer's encrypted store on a storage: its format, sealing and transport.

Bottom to top: errors, layout, chunks, keys, storage, blobs, address, sessions, transfers, connection, ftp, packs,
manifests, examination, doctor, writer, reader, history. A module imports only modules that stand before it in this
list. docs/vault-format.md is the format.
"""
