"""The developer's and the single machine's tool: `python3 -m chatbot.dev`.

The modules that run before `.venv` exists import only the standard library.
"""
