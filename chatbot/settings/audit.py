"""The audit log: signing, retention, streaming."""
