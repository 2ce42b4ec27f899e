"""kube.kubeconfig: the shape of the files, and how several become one."""

from __future__ import annotations

import re

import pytest

from kubevitals.errors import ConfigError
from kubevitals.kube.kubeconfig import cluster_extension, read_kubeconfig


@pytest.fixture
def write(tmp_path):
    def make(content, name="config"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    return make


def test_the_first_file_wins_whole_entries(write):
    """Two entries of one name are not mixed: only the first file's counts; new names are added."""
    first = write("users: [{name: red, user: {token: a}}]", "first")
    second = write(
        "users: [{name: red, user: {username: u, token: b}}, {name: blue, user: {token: c}}]\ncurrent-context: two",
        "second",
    )
    merged = read_kubeconfig([first, second])

    assert {name: (entry.value.token, entry.value.username) for name, entry in merged.users.items()} == {
        "red": ("a", ""),
        "blue": ("c", ""),
    }
    assert merged.current_context == "two"
    assert merged.users["blue"].file == second


def test_paths_are_relative_to_their_own_file(write, tmp_path):
    """As kubectl reads them, wherever the command was started."""
    first = write("clusters: [{name: a, cluster: {certificate-authority: ca.crt}}]", "one/config")
    second = write("clusters: [{name: b, cluster: {certificate-authority: /etc/ca.crt}}]", "two/config")
    clusters = read_kubeconfig([first, second]).clusters

    assert [str(entry.path(entry.value.certificate_authority)) for entry in clusters.values()] == [
        "/etc/ca.crt",
        f"{tmp_path}/one/ca.crt",
    ]


def test_files_that_do_not_exist_are_left_out_of_several(write, tmp_path):
    """KUBECONFIG may name files that exist on some machines only."""
    there = write("current-context: here")

    assert read_kubeconfig([tmp_path / "none", there]).current_context == "here"


def test_a_single_file_must_exist(tmp_path):
    """A mistyped --kubeconfig is an error, not an empty configuration."""
    with pytest.raises(ConfigError, match=re.escape(f"kubeconfig: cannot read {tmp_path}/none: No such file")):
        read_kubeconfig([tmp_path / "none"])


@pytest.mark.parametrize("names", [[], ["a", "b"]])
def test_no_file_at_all_says_where_it_was_looked_for(tmp_path, names):
    """And how to name one."""
    with pytest.raises(ConfigError, match=r"no kubeconfig found \(looked at: .*--kubeconfig or KUBECONFIG"):
        read_kubeconfig([tmp_path / name for name in names])


def test_every_scalar_is_text_where_text_is_meant(write):
    """A password of digits, a name that YAML takes for a boolean: what was written is what counts."""
    path = write("users: [{name: 1, user: {username: 007, password: 1e3, token: yes}}]")
    user = read_kubeconfig([path]).users["1"].value

    assert (user.username, user.password, user.token) == ("007", "1e3", "yes")


def test_nulls_and_unknown_keys_are_no_obstacle(write):
    """Some tools write ``users: null`` and others add keys of their own."""
    path = write(
        "apiVersion: v1\nkind: Config\npreferences: {}\nusers: null\nextra: [1]\n"
        "clusters:\n- name: a\n"
        "  cluster: {server: x, proxy-url: ~, insecure-skip-tls-verify: true, new: {a: 1}}\n"
        "contexts:\n- name: c\n  context:\n    cluster: a\n    user:\n"
    )
    config = read_kubeconfig([path])

    assert config.users == {}
    assert config.clusters["a"].value.insecure_skip_tls_verify is True
    assert config.contexts["c"].value.user == ""


def test_json_is_yaml(write):
    """Some tools write kubeconfigs as JSON."""
    assert read_kubeconfig([write('{"current-context": "a", "users": []}')]).current_context == "a"


def test_an_empty_file_says_nothing(write):
    """An empty file among several is harmless."""
    assert read_kubeconfig([write("")]).current_context == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("users: [{name: a}, {name: a}]", "users has the name 'a' twice"),
        ("users: [{name: a, user: {token: [secret]}}]", r"Expected `str`, got `array` - at `\$.users\[0\]"),
        ("- secret", r"Expected `object`, got `array`"),
        ("users:\n- name: a\n user: secret", "line 3: not YAML"),
        ("a: *secret2", "line 1: not YAML: found undefined alias"),
        ("a: \x00", "not YAML"),
        ("[" * 5000, "not YAML"),
        ("users: [{name: a, user: {exec: {command: x}}}]", "missing required field `apiVersion`"),
    ],
)
def test_a_file_that_is_not_understood_is_named(write, content, message):
    """The error names file and place; it never quotes a line, which may hold a secret."""
    path = write(content)
    with pytest.raises(ConfigError, match=re.escape(str(path)) + ".*" + message) as caught:
        read_kubeconfig([path])

    assert "- secret" not in str(caught.value)
    assert "user: secret" not in str(caught.value)


def test_an_extension_keeps_its_types(write):
    """What an exec plugin is configured with is passed on as it was written."""
    path = write(
        "clusters:\n- name: a\n  cluster:\n    extensions:\n"
        "    - {name: other, extension: 1}\n"
        "    - {name: mine, extension: {port: 8080, on: true, text: '1'}}\n"
    )
    entry = read_kubeconfig([path]).clusters["a"]

    assert cluster_extension(entry, "a", "mine") == {"port": 8080, True: True, "text": "1"}
    assert cluster_extension(entry, "a", "none") is None
