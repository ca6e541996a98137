"""Tests of the packages in which the client comes: built, looked into, installed and used."""
