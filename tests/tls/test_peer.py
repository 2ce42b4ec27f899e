"""The chain a caller presented, on every Python we run on."""

from __future__ import annotations

from kubevitals.tls import peer_chain


class Connection:
    """What ssl offers on one of the supported Pythons."""

    def __init__(self, leaf, public=None, private=None):
        self._leaf = leaf
        if public is not None:
            self.get_unverified_chain = lambda: public
        if private is not None:
            self._sslobj = Private(private)

    def getpeercert(self, binary_form=False):
        assert binary_form
        return self._leaf


class Private:
    def __init__(self, chain):
        self._chain = chain

    def get_unverified_chain(self):
        return self._chain


class Certificate:
    def __init__(self, der):
        self._der = der

    def public_bytes(self, encoding):
        return self._der if encoding == 2 else "PEM"


def test_public_method_is_used_where_it_exists():
    """From Python 3.13 on there is a public method, which gives DER."""
    assert peer_chain(Connection(b"leaf", public=[b"leaf", b"middle"])) == (b"leaf", b"middle")


def test_private_method_is_used_before_that():
    """Python 3.11 and 3.12 have the same behind a private name, in objects."""
    chain = [Certificate(b"leaf"), Certificate(b"middle")]

    assert peer_chain(Connection(b"leaf", private=chain)) == (b"leaf", b"middle")


def test_leaf_alone_where_there_is_neither():
    """Without any such method the leaf alone is known."""
    seen = [peer_chain(Connection(b"leaf")), peer_chain(Connection(b"leaf", private=[]))]

    assert seen == [(b"leaf",), (b"leaf",)]


def test_no_certificate_is_no_chain():
    """A caller that presented nothing has no chain, whatever the methods say."""
    assert [peer_chain(Connection(leaf, public=[b"x"])) for leaf in (None, b"")] == [(), ()]


def test_chain_starts_with_the_verified_leaf():
    """The certificate whose key was proven comes first, or stands alone."""
    assert peer_chain(Connection(b"leaf", public=[b"other", b"leaf"])) == (b"leaf",)


def test_chain_is_bounded():
    """Nobody makes us look at a hundred certificates."""
    assert len(peer_chain(Connection(b"0", public=[b"%d" % each for each in range(100)]))) == 10
