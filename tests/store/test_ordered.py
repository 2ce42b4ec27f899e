"""A mapping that stays sorted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubevitals.store.ordered import Ordered

names = st.sampled_from(["a", "a-1", "a.b", "b", "ba", "é", "z", "𝒵"])


@given(steps=st.lists(st.tuples(names, st.none() | st.integers())), start=st.dictionaries(names, st.integers()))
def test_it_equals_a_sorted_dict(steps, start):
    """After any additions, replacements and removals it holds what a dict holds, in byte order."""
    ordered, expected = Ordered(start), dict(start)
    for name, item in steps:
        if item is None:
            assert ordered.remove(name) == (expected.pop(name, None) is not None)
        else:
            ordered.put(name, item)
            expected[name] = item

    in_order = sorted(expected, key=str.encode)
    assert ordered.names() == in_order
    assert ordered.items() == [expected[name] for name in in_order]
    assert len(ordered) == len(expected)
    assert all(ordered.get(name) == expected[name] and name in ordered for name in expected)


def test_a_name_is_held_once():
    """The string that came with the newest item, which often holds it too; the one before is let go."""
    old, new = "".join(["web", "-0"]), "".join(["web", "-0"])
    ordered = Ordered({old: 1})
    ordered.put(new, 2)

    assert [name is new for name in ordered.names()] == [True]


def test_lists_are_the_callers_own():
    """A list once handed out does not change behind its holder."""
    ordered = Ordered({"a": 1})
    names, items = ordered.names(), ordered.items()
    ordered.put("b", 2)

    assert (names, items) == (["a"], [1])
