from pathlib import Path

from tools.render.engine.coder import Segment
from tools.render.engine.store import Store, key_of

SCENE = Segment((b"\0\0\0\1one", b"\0\0\0\1two"), 1)


def test_a_scene_of_a_finished_film_is_found_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "kept", tmp_path / "fresh")
    assert store.get("a") is None
    store.put("a", SCENE)
    store.settle()

    assert Store(tmp_path / "kept", tmp_path / "other").get("a") == SCENE


def test_a_film_that_was_broken_off_leaves_nothing_in_the_store(tmp_path: Path) -> None:
    Store(tmp_path / "kept", tmp_path / "fresh").put("a", SCENE)

    assert not (tmp_path / "kept").exists()


def test_only_the_scenes_of_the_last_film_are_kept(tmp_path: Path) -> None:
    for keys in ("ab", "bc"):
        store = Store(tmp_path / "kept", tmp_path / "fresh")
        for key in keys:
            if store.get(key) is None:
                store.put(key, SCENE)
        store.settle()

    assert sorted(path.stem for path in (tmp_path / "kept").iterdir()) == ["b", "c"]


def test_a_file_that_was_cut_or_changed_is_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "kept", tmp_path / "fresh")
    store.get("a")
    store.put("a", SCENE)
    store.settle()
    path = tmp_path / "kept" / "a.scene"
    whole = path.read_bytes()

    for broken in (whole[:-1], whole[:-1] + b"x", b"", b"no scene"):
        path.write_bytes(broken)
        assert Store(tmp_path / "kept", tmp_path / "fresh").get("a") is None


def test_keys_differ_with_any_fact_and_not_with_their_order() -> None:
    assert key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1})
    assert key_of({"a": 1}) != key_of({"a": 2})
