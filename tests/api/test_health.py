"""The health endpoints' text, byte for byte."""

from __future__ import annotations

from kubevitals.api.health import Health


def make(storage: str = "", informer: str = "", collection: str = "", shutdown: str = "") -> Health:
    return Health(
        storage_ready=lambda: storage,
        informer_ready=lambda: informer,
        collection_timely=lambda: collection,
        shutting_down=lambda: shutdown,
    )


def test_ok_is_two_letters() -> None:
    """A passing probe answers 200 with the body ok, as plain text."""
    answer = make().answer("/readyz", [])
    assert answer is not None
    assert (answer.status, answer.body, answer.content_type) == (200, b"ok", "text/plain; charset=utf-8")


def test_verbose_readyz_lists_the_checks_in_upstreams_order() -> None:
    """Tools compare this text, so names and order are fixed."""
    answer = make().answer("/readyz", [("verbose", "")])
    assert answer is not None
    assert answer.body.decode() == (
        "[+]ping ok\n[+]log ok\n[+]poststarthook/max-in-flight-filter ok\n"
        "[+]poststarthook/storage-object-count-tracker-hook ok\n[+]metric-storage-ready ok\n"
        "[+]metric-informer-sync ok\n[+]metadata-informer-sync ok\n[+]shutdown ok\nreadyz check passed\n"
    )


def test_verbose_livez_and_healthz() -> None:
    """Liveness watches the scrape cycle, and neither looks at readiness."""
    health = make(storage="nothing yet", shutdown="process is shutting down")
    live, well = health.answer("/livez", [("verbose", "1")]), health.answer("/healthz", [("verbose", "1")])
    assert live is not None
    assert well is not None
    assert live.body.decode().splitlines()[4:] == [
        "[+]metric-collection-timely ok",
        "[+]metadata-informer-sync ok",
        "livez check passed",
    ]
    assert well.body.decode().splitlines()[4:] == ["[+]metadata-informer-sync ok", "healthz check passed"]


def test_a_failing_check_says_why() -> None:
    """A failure is always told in full, with its reason."""
    answer = make(storage="0 of 3 nodes scraped").answer("/readyz", [])
    assert answer is not None
    assert answer.status == 500
    assert "[-]metric-storage-ready failed: 0 of 3 nodes scraped\n" in answer.body.decode()
    assert answer.body.decode().endswith("readyz check failed\n")


def test_excluded_checks_do_not_count() -> None:
    """A check can be left out by name, and an unknown name is told."""
    query = [("exclude", "metric-storage-ready"), ("exclude", "nonsense"), ("verbose", "")]
    answer = make(storage="nothing").answer("/readyz", query)
    assert answer is not None
    assert answer.status == 200
    assert "[+]metric-storage-ready excluded: ok" in answer.body.decode()
    assert 'warn: some health checks cannot be excluded: no matches for "nonsense"\n' in answer.body.decode()


def test_single_checks_have_paths_of_their_own() -> None:
    """One check can be asked for alone, and unknown ones have no answer."""
    health = make(storage="nothing yet")
    ping, storage = health.answer("/readyz/ping", []), health.answer("/readyz/metric-storage-ready", [])
    assert ping is not None
    assert storage is not None
    assert (ping.status, ping.body) == (200, b"ok")
    assert (storage.status, storage.body) == (500, b"internal server error: nothing yet\n")
    assert health.answer("/readyz/nonsense", []) is None
    assert health.answer("/livez/", []) is None
    assert health.answer("/livez/poststarthook/max-in-flight-filter", []) is not None
