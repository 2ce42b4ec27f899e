"""informer.resources: what is followed, and how it is asked for."""

from __future__ import annotations

import json

import msgspec

from kubevitals.informer.objects import ConfigMap
from kubevitals.informer.resources import config_map, nodes, running_pods


def test_running_pods_are_asked_for_as_metadata(labels):
    """In a field selector, so that a pod that stops running is reported as deleted; JSON is the last resort."""
    resource = running_pods(labels)

    assert (resource.path, resource.params) == ("/api/v1/pods", (("fieldSelector", "status.phase=Running"),))
    assert resource.list_accept == ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json")
    assert resource.watch_accept == "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
    assert resource.decode_item(msgspec.Raw(b'{"metadata":{"name":"a","namespace":"n"}}')).item.name == "a"


def test_nodes_are_asked_for_whole(labels):
    """Addresses and conditions are in their status."""
    resource = nodes(labels)

    assert (resource.name, resource.path, resource.params) == ("nodes", "/api/v1/nodes", ())
    assert (resource.list_accept, resource.watch_accept) == ("application/json", "application/json")
    assert resource.decode_list(b'{"metadata":{"resourceVersion":"3"}}').resource_version == "3"


def test_one_config_map_is_asked_for_by_name():
    """The role for it names the object, and admits list and watch only with this field selector."""
    resource = config_map("kube-system", "extension-apiserver-authentication")
    body = {"metadata": {"name": "a", "namespace": "kube-system"}, "data": {"k": "v"}}

    assert resource.path == "/api/v1/namespaces/kube-system/configmaps"
    assert resource.params == (("fieldSelector", "metadata.name=extension-apiserver-authentication"),)
    assert resource.decode_item(msgspec.Raw(json.dumps(body).encode())).item == ConfigMap(
        "kube-system", "a", {"k": "v"}
    )
