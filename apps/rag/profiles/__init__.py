"""Index profiles: built beside the live one, kept up to date, switched, rolled back, dropped."""
