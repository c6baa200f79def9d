"""The upper layers of the trunk, trained with the head: what moves, is held, and is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from knowledge.encode.literal import Saturation
from knowledge.encode.terms import TermTable
from knowledge.errors import InvalidInput
from training.corpus import Pair

if TYPE_CHECKING:
    from training.trunk import Trunk

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")

PAIRS = [
    Pair("one", "reset password", "Your login resets passwords and your login."),
    Pair("one", "your login", "Reset your password, reset your login."),
    Pair("two", "login", "Your passwords reset your login " * 4),
    Pair("two", "password", "Your login."),
]


def _start(
    folder: Path, layers: int
) -> tuple[Path, Trunk, TermTable, np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """A tiny backbone with its exported trunk, a table of terms, and their vectors."""
    from tests.knowledge.encode.tiny_models import plain_encoder
    from training.export import export_trunk
    from training.trunk import Trunk, unit

    backbone = folder / "tiny"
    plain_encoder(backbone, layers=layers)
    export_trunk(backbone, folder / "trunk.onnx")
    trunk = Trunk(folder / "trunk.onnx", backbone / "tokenizer.json")
    # an exported head returns its 96 highest terms, and has to have them
    names = ["reset", "password", "login", *(f"other{number}" for number in range(100))]
    table = TermTable([(name, name, ()) for name in names])
    table.save(folder / "terms.tsv")
    centres = unit(np.random.default_rng(0).normal(size=(len(table), 16)).astype(np.float32))
    return backbone, trunk, table, centres


def test_only_the_upper_layers_move_and_the_dense_side_is_held(tmp_path: Path) -> None:
    from training.build import bundled_config, start_head
    from training.checkpoint import load_state, save_state
    from training.examples import prepare, shown_texts
    from training.export import export_model, export_trunk
    from training.head import HeadConfig
    from training.train import TrainConfig, Trainer
    from training.trunk import Trunk
    from training.upper_layers import UpperLayers

    backbone, trunk, table, centres = _start(tmp_path, layers=2)
    examples = prepare(PAIRS, trunk, table, Saturation())
    texts = shown_texts(PAIRS)
    config = TrainConfig(
        steps=6, batch=4, warmup=1, sampled=3, query_top=2, trunk_rate=3e-3, hold=200.0
    )

    def trainer() -> tuple[Trainer, UpperLayers]:
        upper = UpperLayers(backbone, 1, texts)
        head = start_head(table, centres, examples, HeadConfig(hidden=4))
        return Trainer(head, examples, config, upper=upper), upper

    made, upper = trainer()
    rows, whole = np.arange(len(PAIRS)), np.zeros(len(PAIRS), bool)
    states, windows, owner = upper.passages(rows, whole)
    # the live trunk pools as the exported one does, but for int8 and bfloat16
    assert windows.shape == examples.passages.windows.shape
    assert owner.tolist() == [0, 1, 2, 2, 3]
    near = torch.from_numpy(examples.passages.whole.astype(np.float32))
    assert (states * near).sum(1).min().item() > 0.98

    before = {name: value.clone() for name, value in upper.model.state_dict().items()}
    drifts = list[float]()
    made.run(lambda _step, figures: drifts.append(figures["dense drift"]), until=3)
    save_state(made, tmp_path / "state.pt")
    again, upper = trainer()
    again.restore(load_state(tmp_path / "state.pt"))
    again.run(lambda _step, figures: drifts.append(figures["dense drift"]))
    after = upper.model.state_dict()
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved)
    assert max(drifts) < 0.1

    upper.settle()
    upper.save(tmp_path / "moved")
    export_trunk(tmp_path / "moved", tmp_path / "moved.onnx")
    target = tmp_path / "model"
    export_model(
        again.head,
        bundled_config(again.head, "tiny", "1"),
        tmp_path / "moved.onnx",
        tmp_path / "moved" / "tokenizer.json",
        tmp_path / "terms.tsv",
        target,
    )
    settled = Trunk(target / "trunk.onnx", target / "tokenizer.json").pool(["reset your login"])
    start = trunk.pool(["reset your login"])
    assert not np.array_equal(settled.whole, start.whole)
    assert float(settled.whole[0] @ start.whole[0]) > 0.9


def test_more_layers_than_there_are_cannot_be_unfrozen(tmp_path: Path) -> None:
    from tests.knowledge.encode.tiny_models import plain_encoder
    from training.examples import Texts
    from training.upper_layers import UpperLayers

    plain_encoder(tmp_path)
    with pytest.raises(InvalidInput, match="has 1 layers; 2 cannot be unfrozen"):
        UpperLayers(tmp_path, 2, Texts([], [], []))


def test_a_branch_learns_for_the_sparse_side_alone(tmp_path: Path) -> None:
    from knowledge.encode.bundled import BundledEncoder
    from training.build import bundled_config, start_head
    from training.examples import prepare, shown_texts
    from training.export import export_model, export_trunk
    from training.head import HeadConfig
    from training.train import TrainConfig, Trainer
    from training.trunk import Trunk
    from training.upper_layers import UpperLayers

    backbone, trunk, table, centres = _start(tmp_path, layers=3)
    examples = prepare(PAIRS, trunk, table, Saturation(), dropped_states=False)
    texts = shown_texts(PAIRS)
    upper = UpperLayers(backbone, 2, texts, branch=True, keep=tmp_path / "lower")
    trunk_before = {name: value.clone() for name, value in upper.model.state_dict().items()}
    branch_before = {name: value.clone() for name, value in upper.state().items()}
    head = start_head(table, centres, examples, HeadConfig(hidden=4))
    config = TrainConfig(steps=4, batch=4, warmup=1, sampled=3, query_top=2, trunk_rate=3e-2)
    Trainer(head, examples, config, upper=upper).run()
    assert all(torch.equal(trunk_before[n], value) for n, value in upper.model.state_dict().items())
    assert any(not torch.equal(branch_before[n], value) for n, value in upper.state().items())

    # what the lower layers made is read back: a trunk that cannot run gives the same
    rows, whole = np.arange(len(PAIRS)), np.zeros(len(PAIRS), bool)
    expected = upper.passages(rows, whole)
    again = UpperLayers(backbone, 2, texts, branch=True, keep=tmp_path / "lower")
    again.restore(upper.state())
    again.model.embeddings = None
    for live, kept in zip(expected, again.passages(rows, whole), strict=True):
        assert torch.equal(live, kept)

    exported = dict[str, BundledEncoder]()
    for name, state in (("plain", None), ("branched", upper.state())):
        made = tmp_path / "made" / name / "trunk.onnx"
        made.parent.mkdir(parents=True)
        export_trunk(backbone, made, state)
        export_model(
            head,
            bundled_config(head, name, "1"),
            made,
            backbone / "tokenizer.json",
            tmp_path / "terms.tsv",
            tmp_path / name,
        )
        exported[name] = BundledEncoder(tmp_path / name)
    text = PAIRS[0].passage
    (plain,), (branched,) = (one.encode_passages([text]) for one in exported.values())
    assert np.array_equal(plain.dense, branched.dense)
    assert not np.array_equal(plain.sparse.values, branched.sparse.values)
    queries = [one.encode_queries([text])[0] for one in exported.values()]
    assert np.array_equal(queries[0].sparse.values, queries[1].sparse.values)
    # the trained branch, as exported, pools as the live one does, but for int8 and bfloat16
    pooled = Trunk(tmp_path / "branched" / "trunk.onnx", backbone / "tokenizer.json").pool([text])
    live = expected[0][0].detach().numpy()
    assert float(pooled.whole[0] @ live) > 0.98
    assert float(pooled.whole[0] @ pooled.dense[0]) < 0.98
    found = branched.sparse
    traced = {origin.term: origin.weight for origin in exported["branched"].trace_passage(text)}
    wanted = zip(found.indices.tolist(), found.values.tolist(), strict=True)
    assert traced == pytest.approx(dict(wanted))
