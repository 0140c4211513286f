"""What a run shows in a pipe: a line now and then while a stage works, and none too often."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from evenly import terminal
from evenly.progress import Advanced, Finished, Started


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    return now


def test_a_long_stage_says_every_half_minute_how_far_it_is(clock):
    written = io.StringIO()
    pace = terminal._Pace(Console(file=written, width=40))
    pace(Started("model"))
    for clock[0], done in ((20.0, 0), (40.0, 0), (60.0, 2), (71.0, 3)):
        pace(Advanced("model", done, 30, "epochs", f"epoch {done + 1}: 40%, loss [.1]"))
    assert written.getvalue().splitlines() == [
        "model      0 of 30 epochs, epoch 1: 40%, loss [.1]",
        "model      3 of 30 epochs, epoch 4: 40%, loss [.1], at most 639 s left",  # 71 s for 3, so 27 / 3 times that
    ]


def test_progress_goes_to_the_error_output_of_a_pipe_and_quiet_says_nothing(clock, capsys):
    for quiet in (False, True):
        with terminal.show_run(quiet=quiet):
            terminal_events(clock)
    found = capsys.readouterr()
    assert found.err == "model      1 of 2 epochs, at most 40 s left\n"
    assert found.out.startswith("model      built")
    assert found.out.count("built") == 1


def test_the_result_says_where_the_curves_of_the_training_are_where_there_are_some(tmp_path, capsys):
    model = tmp_path / "my store" / "model" / "3f2a"
    terminal.show_result({"model": str(model)})
    assert capsys.readouterr().out == f"model  {model}\n"
    (tmp_path / "my store" / "logs" / "model" / "3f2a").mkdir(parents=True)
    terminal.show_result({"model": str(model)})
    said = f"curves  tensorboard --logdir '{tmp_path}/my store/logs/model/3f2a'"
    assert capsys.readouterr().out == f"{said}\nmodel  {model}\n"


def terminal_events(clock):
    from evenly.progress import emit

    clock[0] = 0.0
    emit(Started("model"))
    clock[0] = 40.0
    emit(Advanced("model", 1, 2, "epochs"))
    emit(Finished("model", "somewhere", reused=False, why="", rows=3, seconds=41.0, notes=()))
