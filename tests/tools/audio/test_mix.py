import numpy as np
import pytest
from numpy.typing import NDArray

from tools.audio.bed import MOODS, MoodName, synthesise
from tools.audio.loudness import FRAME, SAMPLE_RATE, Samples, integrated_loudness
from tools.audio.mix import ATTACK_S, DUCK_DB, HOLD_S, RELEASE_S, Music, ducking, mix


def tone(seconds: float, hertz: float = 440.0, level: float = 0.3) -> Samples:
    at = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (level * np.sin(2 * np.pi * hertz * at)).astype(np.float32)


def at_s(gains: NDArray[np.float64], second: float) -> float:
    return float(20 * np.log10(max(gains[round(second * 1000)], 1e-6)))


def test_music_is_down_under_every_word_and_up_where_nobody_speaks() -> None:
    gains = ducking([(2.0, 2.4), (2.5, 3.0), (6.0, 6.5)], 12.0)

    assert [at_s(gains, second) for second in (2.0, 2.2, 2.45, 3.0, 6.0, 6.4)] == [
        pytest.approx(DUCK_DB, abs=0.1)
    ] * 6
    assert at_s(gains, 2.0 - ATTACK_S) == pytest.approx(0, abs=0.1)
    assert at_s(gains, 3.0 + HOLD_S + RELEASE_S) == pytest.approx(0, abs=0.1)


def test_music_does_not_pump_between_two_sentences() -> None:
    gains = ducking([(1.0, 2.0), (2.6, 4.0)], 6.0)

    assert at_s(gains, 2.3) == pytest.approx(DUCK_DB, abs=0.1)


def test_music_comes_and_goes_without_a_click() -> None:
    gains = ducking([], 5.0)

    assert gains[0] < 0.001
    assert gains[-1] < 0.001
    assert float(np.abs(np.diff(gains)).max()) < 0.01


@pytest.mark.parametrize("duration_s", [0.0, 0.01, 0.4, 2.0])
def test_a_short_track_has_a_gain_for_each_millisecond(duration_s: float) -> None:
    assert len(ducking([(0.0, duration_s)], duration_s)) == round(duration_s * 1000)


def test_music_under_a_voice_is_twenty_decibels_quieter() -> None:
    voice, music = tone(8), Music.of(np.stack([tone(4, 880)] * 2), "a tone")

    under = mix(voice, music, [(0.0, 8.0)]).samples - voice

    middle = under[:, 2 * SAMPLE_RATE : 6 * SAMPLE_RATE]
    voices = integrated_loudness(np.stack([voice, voice]))
    assert integrated_loudness(middle) - voices == pytest.approx(-20, abs=0.3)


def test_the_power_of_a_mix_is_what_a_meter_reads() -> None:
    voice = tone(6)
    mixed = mix(voice, synthesise("calm", 0), [(1.0, 2.0)])

    assert len(mixed.power) == len(voice) // FRAME
    alone = mix(voice, None, [])
    assert integrated_loudness(mixed.samples) > integrated_loudness(alone.samples)
    assert alone.samples.shape == (2, len(voice))


def test_without_a_voice_there_is_no_music_either() -> None:
    mixed = mix(np.zeros(SAMPLE_RATE, np.float32), synthesise("calm", 0), [])

    assert not mixed.samples.any()


@pytest.mark.parametrize("mood", MOODS)
def test_a_bed_comes_round_without_a_click_and_is_no_mono(mood: MoodName) -> None:
    samples = synthesise(mood, 0).samples

    steps = np.abs(np.diff(samples, axis=1)).max()
    assert np.abs(samples[:, 0] - samples[:, -1]).max() <= steps
    assert steps < 0.05
    assert np.abs(samples).max() == pytest.approx(0.4, abs=0.01)
    assert abs(float(np.corrcoef(samples[0], samples[1]).ravel()[1])) < 0.8


def test_a_bed_leaves_the_room_of_the_consonants_to_the_voice() -> None:
    spectrum = np.abs(np.fft.rfft(synthesise("calm", 0).samples[0])) ** 2
    hertz = np.fft.rfftfreq(synthesise("calm", 0).samples.shape[1], 1 / SAMPLE_RATE)

    assert spectrum[hertz > 2000].sum() < 0.02 * spectrum.sum()


def test_the_same_seed_is_the_same_music_and_another_is_another() -> None:
    first = synthesise("bright", 5).samples.copy()
    synthesise.cache_clear()

    assert np.array_equal(synthesise("bright", 5).samples, first)
    assert not np.array_equal(synthesise("bright", 6).samples, first)
