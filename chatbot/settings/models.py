"""Where language models answer. An endpoint with an address or key is on, others are off; nothing remote by default."""

from chatbot.settings.env import env_choice, env_float, env_int, env_text, env_url

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
# Of the first index; see "Changing the embedding model" in docs/operations.md.
EMBEDDING_PROVIDER = env_choice(
    "CHATBOT_EMBEDDING_PROVIDER",
    "onnx",
    ("onnx", "sentence_transformers", "embedded", "ollama", "openai", "openrouter", "gemini"),
)
EMBEDDING_MODEL = env_text("CHATBOT_EMBEDDING_MODEL", "bge-small-en-v1.5")
RERANKER_PROVIDER = env_choice("CHATBOT_RERANKER_PROVIDER", "onnx", ("onnx", "sentence_transformers"))
RERANKER_MODEL = env_text("CHATBOT_RERANKER_MODEL", "ms-marco-MiniLM-L-12-v2")
# on: every search; off: none; auto: unless an evaluation of the collection found that it does not pay.
RERANK = env_choice("CHATBOT_RERANK", "auto", ("auto", "on", "off"))
# No further passage is read after that time; about 20 ms each on two free cores.
RERANK_SECONDS = env_float("CHATBOT_RERANK_SECONDS", 1.5, minimum=0.1, maximum=60)
# A model reads documents whole, instead of the passages that a search finds, up to so many tokens; 0: never.
WHOLE_DOCUMENT_TOKENS = env_int("CHATBOT_WHOLE_DOCUMENT_TOKENS", 24_000, maximum=1_000_000)
