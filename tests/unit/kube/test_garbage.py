"""Memory is given back after much work, never in the middle of it."""

from kagents_core.kube.garbage import Relief


def test_relief_comes_once_after_much_work_when_nothing_is_left() -> None:
    times: list[int] = []
    relief = Relief(3, lambda: times.append(1))
    for left in (5, 4, 3, 2, 1):
        relief.worked(left)
    assert times == []
    relief.worked(0)
    assert times == [1]
    for _ in range(2):
        relief.worked(0)
    assert times == [1]
    relief.worked(0)
    assert times == [1, 1]
