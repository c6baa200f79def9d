import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge.encode.encoder import Encoder
from knowledge.encode.huggingface import HuggingFaceEncoder
from knowledge.encode.rerank import CrossEncoderReranker
from knowledge.errors import ModelFileError

pytest.importorskip("sentence_transformers")
pytestmark = pytest.mark.filterwarnings("ignore")

TEXTS = ["reset your passwords", "login", "your login"]


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> HuggingFaceEncoder:
    from tests.knowledge.encode.tiny_models import masked_language_model, plain_encoder

    return HuggingFaceEncoder(
        masked_language_model(tmp_path_factory.mktemp("sparse")),
        plain_encoder(tmp_path_factory.mktemp("dense")),
    )


def test_it_is_an_encoder(encoder: HuggingFaceEncoder) -> None:
    as_protocol: Encoder = encoder
    assert as_protocol.spec.dense_size == 16
    assert as_protocol.spec.sparse
    assert as_protocol.spec.max_tokens == 30


def test_vectors_have_the_promised_form(encoder: HuggingFaceEncoder) -> None:
    for encoding in [*encoder.encode_passages(TEXTS), *encoder.encode_queries(TEXTS)]:
        assert encoding.dense is not None
        assert encoding.sparse is not None
        assert np.linalg.norm(encoding.dense) == pytest.approx(1, abs=1e-5)
        assert encoding.sparse.indices.dtype == np.uint32
        assert (encoding.sparse.values > 0).all()
    assert encoder.encode_passages([]) == []


def test_terms_are_led_back_to_words(encoder: HuggingFaceEncoder) -> None:
    text = TEXTS[0]
    origins = encoder.trace_passage(text)
    sparse = encoder.encode_passages([text])[0].sparse
    assert sparse is not None
    assert {o.term for o in origins} == set(sparse.indices.tolist())
    written = encoder.written(text)
    assert {o.term: o.spans for o in origins if o.written}.items() <= written.items()
    assert all(o.spans for o in origins)
    for origin in (o for o in origins if o.written):
        word = encoder.words([origin.term])[origin.term]
        assert [text[a:b] for a, b in origin.spans] == [word]


def test_tokens_are_counted_and_placed(encoder: HuggingFaceEncoder) -> None:
    assert encoder.count_tokens(TEXTS) == [4, 1, 2]
    assert encoder.token_spans("your login") == [(0, 4), (5, 10)]
    assert encoder.words([8]) == {8: "s"}


def test_one_side_alone(tmp_path: Path) -> None:
    from tests.knowledge.encode.tiny_models import plain_encoder

    dense = HuggingFaceEncoder(dense=plain_encoder(tmp_path))
    assert not dense.spec.sparse
    assert dense.encode_queries(["login"])[0].sparse is None
    assert dense.trace_passage("login") == []


def test_a_missing_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="No model is named"):
        HuggingFaceEncoder()
    with pytest.raises(ModelFileError, match="cannot be loaded"):
        HuggingFaceEncoder(dense=str(tmp_path / "nowhere"))


def test_a_reranker_scores_each_text(tmp_path: Path) -> None:
    from tests.knowledge.encode.tiny_models import cross_encoder

    reranker = CrossEncoderReranker(cross_encoder(tmp_path))
    scores = reranker.rerank("reset", TEXTS)
    assert len(scores) == 3
    assert scores == pytest.approx([reranker.rerank("reset", [t])[0] for t in TEXTS], abs=1e-5)
    assert reranker.rerank("reset", []) == []
