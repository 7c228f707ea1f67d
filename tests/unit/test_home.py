"""The root of a lake as other processes find it while a run begins there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import CallError
from pipeline.runner.home import Intent, LakeHome


def test_a_lake_that_is_just_begun_is_never_foreign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every moment at which a file of the beginning gets its name, others may look."""
    seen: list[list[str]] = []
    rename = Path.replace

    def looked_at(new: Path, name: Path) -> Path:
        seen.append(sorted(entry.name for entry in tmp_path.iterdir()))
        LakeHome(tmp_path).check()
        return rename(new, name)

    monkeypatch.setattr(Path, "replace", looked_at)
    LakeHome(tmp_path).begin(Intent(1, {}))

    assert seen == [
        ["_reserve", "_run.json.new"],
        ["_lakehouse.json.new", "_reserve", "_run.json"],
    ]
    assert LakeHome(tmp_path).check()


def test_a_lake_may_begin_between_two_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was no lake when it was asked for its marker may be one when it is listed."""
    listed = Path.iterdir

    def late(folder: Path) -> Iterator[Path]:
        LakeHome(tmp_path).begin(Intent(1, {}))
        (tmp_path / "bronze").mkdir()
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", late)

    assert LakeHome(tmp_path).check()


def test_a_place_is_free_foreign_or_a_file(tmp_path: Path) -> None:
    """Nothing there is free; anything that no lake has is refused, with the way out."""
    assert not LakeHome(tmp_path / "new").check()
    assert not LakeHome(tmp_path).check()
    (tmp_path / "letters.txt").touch()
    with pytest.raises(CallError, match=r"is not empty and not a lake\.") as refused:
        LakeHome(tmp_path).check()
    assert "Name an empty or new place" in refused.value.hint
    with pytest.raises(CallError, match="is a file, not a folder"):
        LakeHome(tmp_path / "letters.txt").check()
