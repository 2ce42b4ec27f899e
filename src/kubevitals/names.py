"""The rules for label keys and values, and what to say about one that breaks them. Pure.

The rules and texts are those of ``k8s.io/apimachinery/pkg/util/validation``.
"""

from __future__ import annotations

import re

_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_NAME_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
    f" character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME}')"
)
_DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must"
    " start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN}')"
)
_VALUE = f"({_NAME})?"
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must"
    " start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
    f"regex used for validation is '{_VALUE}')"
)


_KEY_RULE = f"a qualified name {_NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"


def label_key_problems(key: str) -> list[str]:
    """Return what is wrong with a label key (a name, after an optional DNS prefix); empty if nothing."""
    *prefixes, name = key.split("/")
    if len(prefixes) > 1:
        return [_KEY_RULE]
    problems = _prefix_problems(prefixes[0]) if prefixes else []
    if not name:
        problems.append("name part must be non-empty")
    elif _length(name) > 63:
        problems.append("name part must be no more than 63 characters")
    if not re.fullmatch(_NAME, name):
        problems.append(f"name part {_NAME_RULE}")
    return problems


def _prefix_problems(prefix: str) -> list[str]:
    if not prefix:
        return ["prefix part must be non-empty"]
    problems = []
    if _length(prefix) > 253:
        problems.append("prefix part must be no more than 253 characters")
    if not re.fullmatch(_SUBDOMAIN, prefix):
        problems.append(f"prefix part {_SUBDOMAIN_RULE}")
    return problems


def label_value_problems(value: str) -> list[str]:
    """Return what is wrong with a label value; empty if nothing."""
    problems = []
    if _length(value) > 63:
        problems.append("must be no more than 63 characters")
    if not re.fullmatch(_VALUE, value):
        problems.append(_VALUE_RULE)
    return problems


def _length(text: str) -> int:
    """Return the length in bytes, which is what the limits count."""
    return len(text.encode("utf-8", "surrogateescape"))
