"""Where language models answer. An endpoint with an address or key is on, others are off; nothing remote by default."""

from chatbot.settings.env import env_bool, env_text, env_url

MODEL_SERVER_URL = env_url("CHATBOT_MODEL_SERVER_URL")
OLLAMA_URL = env_url("CHATBOT_OLLAMA_URL")
OPENAI_URL = env_url("CHATBOT_OPENAI_URL")
OPENAI_API_KEY = env_text("CHATBOT_OPENAI_API_KEY")
# Comma-separated; empty offers all that the server lists.
OPENAI_MODELS = env_text("CHATBOT_OPENAI_MODELS")
OPENROUTER_URL = env_url("CHATBOT_OPENROUTER_URL", "https://openrouter.ai/api/v1")
OPENROUTER_API_KEY = env_text("CHATBOT_OPENROUTER_API_KEY")
OPENROUTER_MODELS = env_text("CHATBOT_OPENROUTER_MODELS")
GEMINI_API_KEY = env_text("CHATBOT_GEMINI_API_KEY")
GEMINI_MODELS = env_text("CHATBOT_GEMINI_MODELS")
GEMINI_URL = env_url("CHATBOT_GEMINI_URL")

DEFAULT_MODEL = env_text("CHATBOT_DEFAULT_MODEL")
EMBEDDING_MODEL = env_text("CHATBOT_EMBEDDING_MODEL", "bge-small-en-v1.5")
RERANKER_MODEL = env_text("CHATBOT_RERANKER_MODEL", "ms-marco-MiniLM-L-12-v2")
RERANK_ENABLED = env_bool("CHATBOT_RERANK", False)
