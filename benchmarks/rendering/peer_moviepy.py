"""Plain MoviePy 2, as its documentation teaches it; run by a Python that has it.

PEER_PYTHON peer_moviepy.py MATERIAL OUT.mp4 FONT.ttf PRESET

A slow zoom on each picture, a text clip a phrase, music under the voice, `write_videofile`.
"""

import json
import sys
from pathlib import Path

from moviepy import (
    AudioFileClip,
    CompositeAudioClip,
    CompositeVideoClip,
    ImageClip,
    TextClip,
    afx,
    concatenate_videoclips,
)

SIZE = (1080, 1920)


def main() -> None:
    material, out, font, preset = sys.argv[1:5]
    folder = Path(material)
    phrases = json.loads((folder / "phrases.json").read_text())
    voice = AudioFileClip(str(folder / "voice.wav"))
    pictures = sorted(folder.glob("picture*.jpg"))
    each = voice.duration / len(pictures)
    shown = [
        CompositeVideoClip(
            [
                ImageClip(str(path))
                .with_duration(each)
                .resized(lambda t: 1 + 0.12 * t / each)
                .with_position("center")
            ],
            size=SIZE,
        )
        for path in pictures
    ]
    texts = [
        TextClip(
            font=font,
            text=text,
            font_size=84,
            color="white",
            stroke_color="black",
            stroke_width=8,
            method="caption",
            size=(930, 300),
            text_align="center",
        )
        .with_start(start)
        .with_end(end)
        .with_position(("center", 1200))
        for text, start, end in phrases
    ]
    music = AudioFileClip(str(folder / "music.wav")).with_effects([afx.MultiplyVolume(0.2)])
    sound = CompositeAudioClip([voice, music.with_duration(voice.duration)])
    whole = CompositeVideoClip([concatenate_videoclips(shown), *texts])
    whole.with_duration(voice.duration).with_audio(sound).write_videofile(
        out, fps=30, codec="libx264", audio_codec="aac", preset=preset, threads=2, logger=None
    )


if __name__ == "__main__":
    main()
