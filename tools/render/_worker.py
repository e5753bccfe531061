"""The render's own process: `python -m tools.render._worker SPEC.json`.

It prints one JSON line now and then (`Progress`) and one at its end (`Outcome`). A broken pipe
means that the studio is gone: it stops, and its half-made files go with its folder.
"""

import sys
from pathlib import Path

from av.error import FFmpegError

from bookai.errors import BookAIError
from bookai.models import Record
from tools.render.engine.run import render
from tools.render.spec import Outcome, Spec, is_full, no_space


def main(argv: list[str]) -> int:
    """Render what the spec asks for; return 0, or 1 after an `Outcome` with the error."""
    spec = Spec.model_validate_json(Path(argv[1]).read_text(encoding="utf-8"))
    try:
        outcome = render(spec, _say)
    except BookAIError as error:
        outcome = _failed(error)
    except (FFmpegError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            return 1
        outcome = _failed(_explained(error, spec))
    _say(outcome)
    return 1 if outcome.error else 0


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
