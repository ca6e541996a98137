"""The commands of ibs-server: beside each command's function stand its arguments."""
