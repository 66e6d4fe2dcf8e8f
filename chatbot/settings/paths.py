"""Folders: the code's and the data's."""

from pathlib import Path

from chatbot.settings.env import env_path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = env_path("CHATBOT_DATA_DIR", BASE_DIR / "var")
MODEL_DIR = env_path("CHATBOT_MODEL_DIR", DATA_DIR / "models")
SECRETS_DIR = DATA_DIR / "secrets"
