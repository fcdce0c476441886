"""`minivis verify`: says what holds, and does not say so when it does not."""

import numpy as np
import pytest
from small import BRANCHES, CLASS_MAPS, pictures, small_net

from minivis.primitives import planes, pool2x2, relu, winograd
from minivis.verify import Verdict, verify
from minivis.verify.checks import beside_torch, identities, primitives, twins

element, elements = planes._element, pool2x2._elements


def test_every_primitive_and_adjoint_holds():
    verdicts = list(primitives())
    assert [v for v in verdicts if not v.holds] == []
    assert {v.group for v in verdicts} == {"finite differences", "adjoint"}


@pytest.mark.parametrize("a", [BRANCHES, CLASS_MAPS], ids=lambda a: a.name)
def test_identities_hold(a):
    verdicts = list(identities(small_net(a), pictures(a, 1)))
    assert len(verdicts) == 9
    assert [v for v in verdicts if not v.holds] == []


def test_a_broken_rule_fails_in_every_group(monkeypatch):
    monkeypatch.setitem(relu.rules, 0, lambda g, y: g * (y >= 0))
    failed = {v.name for v in primitives() if not v.holds} | {
        v.name for v in identities(small_net(BRANCHES), pictures(BRANCHES, 1)) if not v.holds
    }
    assert "relu, argument 0" in failed
    assert "the pencil network's four rules give 2, 13, 5, 6" in failed


@pytest.mark.parametrize(
    ("module", "name", "broken", "said"),
    [
        (winograd, "TURNED", winograd.AS_IT_IS, "so is its way back"),
        (winograd, "AS_IT_IS", winograd.TURNED, "Winograd's convolution"),
        (planes, "_element", lambda planes, i, j, *rest: element(planes, j, i, *rest), "in planes"),
        (pool2x2, "_elements", lambda maps, rows: elements(maps, rows)[::-1], "2x2 pool"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_twin_fails(module, name, broken, said, monkeypatch):
    monkeypatch.setattr(module, name, broken)
    failed = [verdict.name for verdict in twins() if not verdict.holds]
    assert any(said in name for name in failed)


def test_nan_does_not_hold():
    assert not Verdict("group", "name", float("nan"), 1.0).holds


@pytest.mark.verify
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("a", [BRANCHES, CLASS_MAPS], ids=lambda a: a.name)
def test_beside_pytorch(a, dtype, monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is not installed (extra `verify`)")
    net, x = small_net(a, dtype=dtype), pictures(a, 1, dtype=dtype)
    verdicts = list(beside_torch(net, x))
    assert len(verdicts) == 12
    assert [v for v in verdicts if not v.holds] == []
    monkeypatch.setitem(relu.rules, 0, lambda g, y: g)
    assert [v.name for v in beside_torch(net, x) if not v.holds]


def test_all_of_it_on_a_picture():
    found = {v.group for v in verify(small_net(BRANCHES), np.array(pictures(BRANCHES, 1)))}
    assert found >= {"finite differences", "adjoint", "identity"}
