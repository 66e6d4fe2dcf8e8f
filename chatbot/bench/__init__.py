"""Measurements. `python -m chatbot.bench` lists them; each module's `run(args)` gives the figures as a dictionary."""
