"""The shipped model, through the whole Encoder protocol."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from knowledge.encode.bundled import DEFAULT_MODEL, BundledEncoder
from knowledge.encode.encoder import Encoder
from knowledge.errors import ModelFileError
from knowledge.types import Encoding

SIGN_IN = "To sign in, enter your e-mail address and password. We send you a link."
REFUND = "You can get your money back within 30 days. See ERR_1234 in Kubernetes."


@pytest.fixture(scope="module")
def encoder() -> BundledEncoder:
    return BundledEncoder(threads=1, query_mode="encoded")


def weight_of(encoding: Encoding, term: int) -> float:
    assert encoding.sparse is not None
    weights = encoding.sparse.values[encoding.sparse.indices == term]
    return float(weights.sum())


def test_it_is_an_encoder(encoder: BundledEncoder) -> None:
    as_protocol: Encoder = encoder
    assert as_protocol.spec.dense_size == 384
    assert as_protocol.spec.sparse
    assert as_protocol.spec.uses_idf
    assert as_protocol.spec.languages == ("en",)


def test_vectors_have_the_promised_form(encoder: BundledEncoder) -> None:
    for encoding in encoder.encode_passages([SIGN_IN, REFUND, "", "a"]):
        assert encoding.dense is not None
        assert encoding.sparse is not None
        assert encoding.dense.dtype == np.float32
        assert np.linalg.norm(encoding.dense) == pytest.approx(1, abs=1e-5)
        assert encoding.sparse.indices.dtype == np.uint32
        assert encoding.sparse.values.dtype == np.float32
        assert (np.diff(encoding.sparse.indices.astype(np.int64)) > 0).all()
        assert (encoding.sparse.values > 0).all()


def test_order_is_kept_and_nothing_is_fine(encoder: BundledEncoder) -> None:
    texts = [SIGN_IN * 4, "short", REFUND]
    together = encoder.encode_passages(texts)
    for text, encoding in zip(texts, together, strict=True):
        alone = encoder.encode_passages([text])[0]
        assert alone.dense is not None
        assert encoding.dense is not None
        # activations are quantised over the batch: close, not equal
        assert float(alone.dense @ encoding.dense) > 0.97
    assert encoder.encode_passages([]) == []
    assert encoder.encode_queries([]) == []


def test_words_are_added_that_are_not_written(encoder: BundledEncoder) -> None:
    added = [o for o in encoder.trace_passage(SIGN_IN) if not o.written]
    names = encoder.words([o.term for o in added], SIGN_IN)
    assert "login" in names.values()


def test_a_trace_accounts_for_every_term(encoder: BundledEncoder) -> None:
    for trace, encode in (
        (encoder.trace_passage, encoder.encode_passages),
        (encoder.trace_query, encoder.encode_queries),
    ):
        origins = trace(REFUND)
        sparse = encode([REFUND])[0].sparse
        assert sparse is not None
        assert {o.term for o in origins} == set(sparse.indices.tolist())
        assert [o.weight for o in origins] == sorted((o.weight for o in origins), reverse=True)
        for origin in origins:
            assert origin.spans
            assert all(REFUND[a:b].strip() for a, b in origin.spans)


def test_codes_and_names_are_matched_exactly(encoder: BundledEncoder) -> None:
    query = encoder.encode_queries(["err_1234"])[0].sparse
    passage = encoder.encode_passages([REFUND])[0]
    assert query is not None
    names = encoder.words(query.indices.tolist(), REFUND)
    whole = next(term for term, name in names.items() if name == "ERR_1234")
    assert weight_of(passage, whole) > 0.5


def test_query_modes_differ_in_what_they_add_and_in_name(encoder: BundledEncoder) -> None:
    free = BundledEncoder(threads=1, query_mode="inference-free")
    assert all(o.written for o in free.trace_query("reset my password"))
    assert not all(o.written for o in encoder.trace_query("reset my password"))
    assert free.spec.id != encoder.spec.id


def test_tokens_are_counted_and_placed(encoder: BundledEncoder) -> None:
    text = "Reset your password. " * 200
    spans = encoder.token_spans(text)
    assert encoder.count_tokens([text, ""]) == [len(spans), 0]
    assert text[slice(*spans[0])] == "Reset"
    assert spans[-1][1] == len(text.rstrip())


def test_a_damaged_model_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(DEFAULT_MODEL, folder)
    (folder / "branch.onnx").write_bytes(b"from elsewhere")
    with pytest.raises(ModelFileError, match=r"branch\.onnx is no part of the model"):
        BundledEncoder(folder)
    (folder / "branch.onnx").unlink()
    (folder / "terms.tsv").write_text("broken", encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"terms\.tsv is damaged"):
        BundledEncoder(folder)
    (folder / "terms.tsv").unlink()
    with pytest.raises(ModelFileError, match=r"terms\.tsv is missing"):
        BundledEncoder(folder)
    with pytest.raises(ModelFileError, match=r"manifest\.json is missing"):
        BundledEncoder(tmp_path / "nowhere")
