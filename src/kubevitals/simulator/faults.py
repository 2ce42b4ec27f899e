"""What a test can make the simulated cluster do wrong. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from kubevitals.simulator.endpoints import Problem


class KubeletFault(Enum):
    """One way in which a kubelet fails to give metrics."""

    UNAUTHORIZED = "401, as for a token it does not know"
    FORBIDDEN = "403, as for a user without rights"
    ERROR = "500, as when nothing can be gathered"
    HTML = "200 with a web page"
    NOTHING = "the connection closes without a byte"
    HALF_BODY = "the connection closes within the body"
    GARBAGE = "200 with bytes that are no metrics"
    ENDLESS = "a body that never ends"
    SLOW = "the answer comes after a delay"
    SILENT = "the request is read and never answered"
    REDIRECT = "302 to another host"
    BOMB = "a small gzip body of 64 MiB of spaces"


@dataclass(slots=True)
class Refusal:
    """Makes the API server refuse requests.

    Args:
        code: the HTTP status.
        retry_after: seconds for the Retry-After header; None leaves it out.
        paths: beginnings of the paths that are refused.
        count: how many requests; None is all of them.
    """

    code: int = 429
    retry_after: int | None = 1
    paths: tuple[str, ...] = ("/",)
    count: int | None = None

    def takes(self, path: str) -> bool:
        """Tell whether a request is refused, and count it."""
        if self.count == 0 or not path.startswith(self.paths):
            return False
        if self.count is not None:
            self.count -= 1
        return True


@dataclass(slots=True)
class ApiFaults:
    """The API server's faults, all off at first.

    ``gone_as_status`` answers a watch from a forgotten past with HTTP 410 rather than within the stream.
    ``reviews_fail`` answers TokenReviews and SubjectAccessReviews with 500.
    """

    refusal: Refusal | None = None
    gone_as_status: bool = False
    reviews_fail: bool = False


class AggregatorFaults:
    """The aggregation layer's faults, all off at first.

    Args:
        changed: called when one is set or taken back.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.problem: Problem | None = None

    @property
    def condition(self) -> tuple[str, str] | None:
        """Reason and message with which every aggregated APIService is unavailable, whatever its server does.

        They are in the objects as soon as this is set. None checks the servers again.
        """
        return self.problem

    @condition.setter
    def condition(self, found: tuple[str, str] | None) -> None:
        self.problem = None if found is None else Problem(*found)
        self._changed()
