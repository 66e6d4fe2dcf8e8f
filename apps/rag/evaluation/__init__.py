"""Judging: golden questions of collections, runs over them, comparison, and what follows from it."""
