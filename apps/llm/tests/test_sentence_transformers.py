"""The real library with tiny models that are made here, of chance weights.

Where the library is not installed these are skipped; with CHATBOT_REQUIRE_ML=1 they fail instead.
"""

import importlib.util
import math
import os

import pytest

from apps.llm import registry
from apps.llm.exceptions import ProviderError
from apps.llm.models import Inference
from apps.llm.services import passages_rerank, texts_embed

IS_INSTALLED = importlib.util.find_spec("sentence_transformers") is not None
needs_library = pytest.mark.skipif(
    not IS_INSTALLED and not os.environ.get("CHATBOT_REQUIRE_ML"),
    reason="sentence-transformers is not installed (requirements/ml)",
)
# Reading models of chance weights, the libraries warn of much that is none of ours.
quiet = pytest.mark.filterwarnings("default")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"acegmrv", "cat", "sits", "revenue", "rose", "by", "five"]
WIDTH = 32


def tokenizer_make():
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, mask_token="[MASK]", model_max_length=64, **special)


def bert_save(folder, model_class, **fields):
    import torch
    from transformers import BertConfig

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=WIDTH, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, initializer_range=0.5, **fields,
    )  # fmt: skip
    model_class(config).save_pretrained(folder)
    tokenizer_make().save_pretrained(folder)


@pytest.fixture
def store(settings, tmp_path):
    settings.MODEL_DIR = tmp_path
    return tmp_path


@pytest.fixture
def embedder(store):
    """A model with a prompt of its own, which must not come on top of a profile's prefix."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertModel

    bert_save(store / "plain", BertModel)
    transformer = Transformer(str(store / "plain"))
    model = SentenceTransformer(
        modules=[transformer, Pooling(WIDTH)], prompts={"query": "revenue "}, default_prompt_name="query", device="cpu"
    )
    model.save(str(store / "tiny"))
    return lambda **options: registry.embedder("tiny", provider="sentence_transformers", **options)


def dot(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


@needs_library
@quiet
class TestEmbedder:
    def test_one_unit_vector_per_text_in_order(self, embedder):
        texts = ["a cat sits", "", "revenue rose by five", "cat " * 500]
        vectors = embedder().embed(texts)
        assert [len(vector) for vector in vectors] == [WIDTH] * 4
        assert [dot(vector, vector) for vector in vectors] == pytest.approx([1] * 4, abs=1e-5)
        for text, vector in zip(texts, vectors, strict=True):
            assert embedder().embed([text])[0] == pytest.approx(vector, abs=1e-4)
        assert vectors[0] != pytest.approx(vectors[2], abs=1e-2)

    def test_vectors_are_cut_and_stay_of_length_one(self, embedder):
        [whole], [cut] = embedder().embed(["a cat"]), embedder(dimensions=8).embed(["a cat"])
        norm = math.sqrt(dot(whole[:8], whole[:8]))
        assert cut == pytest.approx([value / norm for value in whole[:8]], abs=1e-5)

    def test_no_prompt_of_the_models_own_is_put_before_texts(self, embedder, store):
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(store / "tiny"), device="cpu")
        plain, prompted = model.encode(["a cat"], prompt="")[0], model.encode(["a cat"])[0]
        assert plain.tolist() != pytest.approx(prompted.tolist(), abs=1e-3)
        [ours] = embedder().embed(["a cat"])
        norm = math.sqrt(dot(plain.tolist(), plain.tolist()))
        assert ours == pytest.approx([value / norm for value in plain.tolist()], abs=1e-4)

    def test_nothing_gives_nothing(self, embedder):
        assert embedder().embed([]) == []

    def test_a_folder_that_is_no_model_is_none(self, store):
        (store / "broken").mkdir()
        (store / "broken" / "config.json").write_text("{}")
        with pytest.raises(ProviderError) as caught:
            registry.embedder("broken", provider="sentence_transformers").embed(["a"])
        assert caught.value.code == "model_missing"

    def test_a_model_that_is_nowhere_is_missing(self, store):
        """Without internet, which tests have not; the hub's name is asked for and does not answer."""
        with pytest.raises(ProviderError) as caught:
            registry.embedder(str(store / "nowhere"), provider="sentence_transformers").embed(["a"])
        assert caught.value.code == "model_missing"

    @pytest.mark.django_db
    def test_calls_are_written_down(self, embedder):
        texts_embed(texts=["a cat"], model="tiny", provider="sentence_transformers", dimensions=4)
        assert Inference.objects.get().state == "ok"


@needs_library
@quiet
class TestReranker:
    @pytest.fixture
    def model(self, store):
        from transformers import BertForSequenceClassification

        bert_save(store / "cross", BertForSequenceClassification, num_labels=1)
        return store / "cross"

    @pytest.mark.django_db
    def test_logits_in_order_and_not_squeezed(self, model):
        from sentence_transformers import CrossEncoder
        from torch.nn import Sigmoid

        passages = ["a cat sits on the mat", "revenue rose", "", "cat " * 300]
        scores = passages_rerank(query="a cat", passages=passages, model="cross", provider="sentence_transformers")
        squeezed = CrossEncoder(str(model), num_labels=1, device="cpu").predict(
            [("a cat", passage) for passage in passages], activation_fn=Sigmoid()
        )
        assert [1 / (1 + math.exp(-score)) for score in scores] == pytest.approx(squeezed.tolist(), abs=1e-4)
        assert Inference.objects.get().purpose == "rerank"

    def test_nothing_gives_nothing(self, model):
        assert registry.reranker("cross", provider="sentence_transformers").score(query="a", passages=[]) == []


@pytest.mark.skipif(IS_INSTALLED, reason="sentence-transformers is installed")
def test_without_the_library_the_error_says_so(store):
    for ask in (
        lambda: registry.embedder("any", provider="sentence_transformers").embed(["a"]),
        lambda: registry.reranker("any", provider="sentence_transformers").score(query="a", passages=["b"]),
    ):
        with pytest.raises(ProviderError) as caught:
            ask()
        assert caught.value.code == "library_missing"
