from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from bookai.errors import Refused
from tools.sources.base import Clue
from tools.sources.intake.files import read_path

ODD = st.text(alphabet="./~\\\x00\n\u202e ab%*?$-:", min_size=1, max_size=40)


@given(ODD | st.text(min_size=1, max_size=80))
def test_no_path_does_more_than_be_read_or_refused(path: str) -> None:
    with TemporaryDirectory() as home:
        try:
            opened = read_path(f"{home}/{path}", Path(home), lambda clue: 10)
        except Refused as error:
            message = str(error)
        else:
            message = opened.where

    assert "\n" not in message


def test_the_limit_is_chosen_by_what_the_file_is_and_holds_to_the_byte(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_bytes(b"x" * 10)

    def limit(clue: Clue) -> int:
        return 10 if clue.named(".txt") and clue.head == b"x" * 10 else 0

    assert read_path(str(source), tmp_path, limit).body == b"x" * 10
