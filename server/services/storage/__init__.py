"""The FTP storages: trying, adding and watching them, and the space and sign-ins that computers get there."""
