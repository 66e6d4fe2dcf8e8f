"""Browser sessions, tokens and API keys."""
