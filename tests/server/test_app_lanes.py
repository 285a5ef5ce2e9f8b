"""Lanes: order, limits and the promise that everything accepted is delivered."""

from __future__ import annotations

import threading

from imsg_sdk.server.requests.lanes import MAX_OUTSTANDING, Lane, Lanes


class Works:
    """Jobs are names; those that begin with ``slow`` wait for the gate."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun: list[str] = []
        self.delivered: list[str] = []
        self.four = threading.Barrier(5)
        self.lanes = Lanes(self.work_on, self.delivered.append)

    def work_on(self, job: str) -> str:
        """Work on a job."""
        self.begun.append(job)
        if job.startswith("slow"):
            assert self.gate.wait(5)
        if job.startswith("meet"):
            self.four.wait(5)
        return job


def test_control_and_mutation_keep_their_order() -> None:
    works = Works()
    for number in range(50):
        works.lanes.submit(Lane.CONTROL, f"c{number}")
        works.lanes.submit(Lane.MUTATION, f"m{number}")
    works.lanes.finish()
    for kind in "cm":
        assert [job for job in works.delivered if job[0] == kind] == [f"{kind}{number}" for number in range(50)]


def test_four_reads_run_at_a_time_and_overtake_each_other() -> None:
    works = Works()
    for number in range(3):
        works.lanes.submit(Lane.READ, f"slow{number}")
    for number in range(5):
        works.lanes.submit(Lane.READ, f"quick{number}")
    works.lanes.submit(Lane.CONTROL, "control")
    threading.Timer(0.05, works.gate.set).start()
    works.lanes.finish()
    assert works.delivered.index("control") < works.delivered.index("slow0")
    assert works.delivered.index("quick4") < works.delivered.index("slow0")


def test_reads_really_run_side_by_side() -> None:
    works = Works()
    for number in range(4):
        works.lanes.submit(Lane.READ, f"meet{number}")
    works.four.wait(5)
    works.lanes.finish()
    assert len(works.delivered) == 4


def test_limit_counts_what_is_accepted_and_not_worked_off() -> None:
    works = Works()
    accepted = [works.lanes.submit(Lane.MUTATION, f"slow{number}") for number in range(MAX_OUTSTANDING + 10)]
    assert accepted == [True] * MAX_OUTSTANDING + [False] * 10
    works.lanes.submit_uncounted("fault")
    works.gate.set()
    works.lanes.finish()
    assert len(works.delivered) == MAX_OUTSTANDING + 1


def test_place_is_free_before_the_answer_can_be_read() -> None:
    free = threading.Event()

    def deliver(job: str) -> None:
        if job == "last" and lanes.submit(Lane.READ, "again"):
            free.set()

    lanes: Lanes[str, str] = Lanes(lambda job: job, deliver)
    lanes._outstanding = MAX_OUTSTANDING - 1
    assert lanes.submit(Lane.MUTATION, "last")
    assert free.wait(5)
    lanes.finish()
