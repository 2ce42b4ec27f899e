"""A condition that is logged when it begins, changes and ends, and not while it lasts."""

from __future__ import annotations

from kubevitals.logs import Logger


class Trouble:
    """One thing that can be wrong for a while.

    Args:
        log: where to write.
        subject: what it is about, such as ``TokenReview``.
        remedy: what a person can do, unless a problem brings its own.
    """

    def __init__(self, log: Logger, subject: str, remedy: str = "") -> None:
        self._log = log
        self._subject = subject
        self._remedy = remedy
        self.problem = ""

    def begin(self, problem: str, remedy: str = "", *, urgent: bool = False) -> None:
        """Note that ``problem`` is there; logged if it was not, at level ERROR if it is urgent."""
        if problem != self.problem:
            write = self._log.error if urgent else self._log.warning
            write("Something needs attention", about=self._subject, cause=problem, remedy=remedy or self._remedy)
        self.problem = problem

    def end(self) -> None:
        """Note that all is well; logged if it was not."""
        if self.problem:
            self._log.info("A problem is over", about=self._subject, was=self.problem)
        self.problem = ""
