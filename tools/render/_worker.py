"""The render's own process: `python -m tools.render._worker SPEC.json`.

It prints one JSON line now and then (`Progress`) and one at its end (`Outcome`). A broken pipe
means that the studio is gone: it stops, and its half-made files go with its folder.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from av import VideoFrame
from av.error import FFmpegError
from PIL import Image

from bookai.errors import BookAIError, Refused
from bookai.models import Record
from tools.provenance.sign import sign_video
from tools.render.encode import write_video
from tools.render.film import Credits, Projector, draw_thumbnail
from tools.render.layout import Layout
from tools.render.spec import Outcome, Progress, Spec, is_full, no_space
from tools.render.sprites import Frame
from tools.render.text.align import align
from tools.render.text.plan import plan
from tools.render.text.subtitles import subrip, webvtt
from tools.render.typography import Typeface


def main(argv: list[str]) -> int:
    """Render what the spec asks for; return 0, or 1 after an `Outcome` with the error."""
    spec = Spec.model_validate_json(Path(argv[1]).read_text(encoding="utf-8"))
    try:
        outcome = render(spec)
    except BookAIError as error:
        outcome = _failed(error)
    except (FFmpegError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            return 1
        outcome = _failed(_explained(error, spec))
    _say(outcome)
    return 1 if outcome.error else 0


def render(spec: Spec) -> Outcome:
    """Write the four files of a spec."""
    layout, face = Layout(spec.size), Typeface(spec.font)
    voice = spec.voiceover
    words = align([line.text for line in spec.script.lines], voice.words)
    for line in spec.script.lines:
        face.clean(line.text)  # refuses a script that the font lacks before any work is done
    if not words:
        raise Refused("The voiceover has no words: there is nothing to show. Speak the script.")
    film = plan(
        spec.script, words, voice.duration_s, spec.size.fps, disclosed=bool(spec.disclosure)
    )
    credits = Credits(spec.script.title, spec.brand, spec.credit, spec.disclosure)
    projector = Projector(layout, face, film, credits)

    def on_frame(n: int) -> None:
        if n % 15 == 0:
            _say(Progress(at=(n + 1) / film.frames, what=f"frame {n + 1} of {film.frames}"))

    write_video(
        Path(spec.video_path), Path(voice.path), spec.size, film.frames, projector.draw, on_frame
    )
    thumbnail = picture(draw_thumbnail(layout, face, spec.script.title, spec.brand))
    thumbnail.save(spec.thumbnail_path, "JPEG", quality=90, subsampling=0)
    Path(spec.vtt_path).write_text(webvtt(words), encoding="utf-8")
    Path(spec.srt_path).write_text(subrip(words), encoding="utf-8")
    # Last of all: whatever changes the file after this breaks the signature.
    signer = ""
    if spec.order is not None:
        _say(Progress(at=1.0, what="signing"))
        signer = sign_video(Path(spec.video_path), spec.order, datetime.now(UTC)).signer
    return Outcome(frames=film.frames, duration_s=film.frames / spec.size.fps, signer=signer)


def picture(frame: Frame) -> Image.Image:
    """Return a frame as an RGB picture."""
    whole = VideoFrame.from_numpy_buffer(frame.buffer, format="yuv420p")
    return Image.fromarray(whole.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray())


def _explained(error: OSError | FFmpegError, spec: Spec) -> BookAIError:
    """Return an error of the machine as one that says what to do."""
    if is_full(error):
        return no_space(Path(spec.video_path).parent)
    return BookAIError(f"the encoder stopped: {error}")


def _failed(error: BookAIError) -> Outcome:
    name = type(error).__name__
    kind = name if name in ("Refused", "OperatorNeeded") else "ToolFailed"
    return Outcome.model_validate({"error": kind, "message": str(error)})


def _say(record: Record) -> None:
    sys.stdout.write(record.model_dump_json() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
