"""What is said when one of several processes has gone."""

from lightning.pytorch.strategies.launchers import subprocess_script

from segkit.runs.launch import _ITS_LOG


def test_the_trainers_log_is_where_it_is_listened_to() -> None:
    assert vars(subprocess_script)["_launch_process_observer"].__module__ == _ITS_LOG
