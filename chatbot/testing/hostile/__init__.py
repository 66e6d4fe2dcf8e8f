"""Hostile input through every door: what is sent, where it goes in, and what the answers must not show."""
