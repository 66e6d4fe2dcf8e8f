"""One file per provider. Only apps/llm/registry.py imports them."""
