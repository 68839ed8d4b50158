"""How sure a network may say it is: on made-up networks whose sureness is known."""

import numpy as np
import pytest

from tinygrad_mnist import confidence
from tinygrad_mnist.confidence import Bin, Confidence


def honest(count, classes=10, seed=0):
    """Logits, and labels drawn from exactly the probabilities that they mean."""
    draw = np.random.default_rng(seed)
    logits = 2 * draw.standard_normal((count, classes))
    powers = np.exp(logits)
    chances = (powers / powers.sum(axis=1, keepdims=True)).cumsum(axis=1)
    return logits, (draw.random((count, 1)) > chances).sum(axis=1)


def test_without_notes_a_network_is_taken_at_its_word():
    logits = np.array([[0, 0], [0, np.log(3)]], np.float32)
    trust = confidence.of({})
    np.testing.assert_allclose(trust.probabilities(logits), [[0.5, 0.5], [0.25, 0.75]], rtol=1e-6)
    assert trust.sure(logits).all()


def test_a_temperature_changes_no_answer_and_makes_each_more_modest():
    logits = honest(1000)[0]
    proud, modest = Confidence(1).probabilities(logits), Confidence(2).probabilities(logits)
    assert (proud.argmax(axis=1) == modest.argmax(axis=1)).all()
    assert (modest.max(axis=1) < proud.max(axis=1)).all()
    np.testing.assert_allclose(modest.sum(axis=1), 1)


def test_huge_logits_overflow_nothing():
    found = Confidence(1.5).probabilities(np.array([[1e5, 0], [-1e5, -1e5]], np.float32))
    np.testing.assert_array_equal(found, [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize("pride", [0.25, 1, 3])
def test_fit_finds_how_much_too_proud_a_network_is(pride):
    logits, labels = honest(20_000)
    assert confidence.fit(pride * logits, labels).temperature == pytest.approx(pride, rel=0.03)


def test_the_temperature_is_where_the_cross_entropy_is_lowest():
    logits, labels = honest(2000, seed=1)
    found = confidence.fit(3 * logits, labels).temperature

    def surprise(temperature):
        chances = Confidence(temperature).probabilities(3 * logits)
        return -np.log(chances[np.arange(len(labels)), labels]).mean()

    assert surprise(found) <= min(surprise(found * 1.01), surprise(found / 1.01))


def test_a_temperature_makes_promises_kept():
    logits, labels = honest(20_000)
    proud = Confidence().probabilities(3 * logits)
    modest = confidence.fit(3 * logits, labels).probabilities(3 * logits)
    assert confidence.calibration_error(proud, labels) > 0.1
    assert confidence.calibration_error(modest, labels) < 0.01


@pytest.mark.parametrize("right", [0.9, 0.99])
def test_the_threshold_is_the_lowest_that_lets_so_few_mistakes_through(right):
    logits, labels = honest(20_000)
    trust = confidence.fit(logits, labels, right)
    sure = trust.sure(logits)
    good = logits.argmax(axis=1) == labels
    assert good[sure].mean() >= right - 1e-3
    more = trust.probabilities(logits).max(axis=1) >= trust.threshold - 0.05
    assert good[more].mean() < right < 1
    assert 0 < sure.mean() < 1


def test_a_few_right_answers_prove_nothing():
    """The five that it calls surest are right; of the next five hundred only every other one."""
    logits = np.zeros((505, 10))
    logits[:, 0] = 2.0
    logits[:5, 0] = 9.0
    labels = np.arange(505) % 2
    labels[:5] = 0
    assert not confidence.fit(logits, labels).sure(logits).any()
    assert confidence.fit(logits, labels, right=0.8).sure(logits).sum() == 5


def test_a_network_that_is_always_right_is_always_sure():
    logits = 5 * np.eye(10)
    assert confidence.fit(logits, np.arange(10)).sure(logits).all()


def test_a_network_that_is_always_wrong_is_never_sure():
    logits = 5 * np.eye(10)
    assert not confidence.fit(logits, (np.arange(10) + 1) % 10).sure(logits).any()


def test_the_notes_of_a_header_give_the_same_confidence_back():
    trust = Confidence(1.2345, 0.6789)
    assert confidence.of(trust.notes() | {"model": "seed"}) == trust
    assert all(isinstance(value, str) for value in trust.notes().values())


def test_reliability_sorts_answers_by_what_they_promise():
    probabilities = np.array([[0.9, 0.1], [0.1, 0.9], [0.94, 0.06], [0.55, 0.45], [1.0, 0.0]])
    labels = np.array([0, 0, 0, 0, 0])
    found = confidence.reliability(probabilities, labels, bins=10)
    assert [each.size for each in found] == [1, 4]
    np.testing.assert_allclose(found[0], Bin(1, 0.55, 1.0))
    np.testing.assert_allclose(found[1], Bin(4, (0.9 + 0.9 + 0.94 + 1) / 4, 0.75))
    error = confidence.calibration_error(probabilities, labels, bins=10)
    assert error == pytest.approx((0.45 + 4 * (0.935 - 0.75)) / 5)


def test_told_says_what_becomes_of_the_answers():
    logits = np.log([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    told = confidence.told(logits, np.array([0, 1, 1]), Confidence(1.0, 0.7))
    assert told["accuracy"] == pytest.approx(2 / 3)
    assert told["answered"] == pytest.approx(2 / 3)
    assert told["right_when_answered"] == 1
    assert told["error_before"] == told["error_after"] > 0
    assert confidence.told(logits, np.array([0, 1, 1]), Confidence(1, 1))[
        "right_when_answered"] is None


def test_the_diagram_is_drawn(tmp_path):
    logits, labels = honest(1000)
    confidence.draw(logits, labels, Confidence(2.0, 0.5), tmp_path / "reliability.png")
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")


def test_answers_of_one_probability_pass_together_or_not_at_all():
    logits = 200 * np.eye(10, dtype=np.float32)[[0, 1, 2, 3, 4]]
    logits[4] = 2 * np.eye(10)[4]
    labels = np.array([0, 1, 5, 6, 4])  # of the four that are quite sure, two are right
    trust = confidence.fit(logits, labels, right=0.9)
    assert not trust.sure(logits).any()
    assert confidence.fit(logits, logits.argmax(axis=1), right=0.9).sure(logits).all()
