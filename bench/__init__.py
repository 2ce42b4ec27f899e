"""What kubevitals costs: the whole of it on one machine, without a cluster.

``make bench`` prints the cost of single rooms (``bench.rooms``), then measures the whole server at 100 and 1,000
nodes. ``make bench ARGS="--nodes 100,1000,5000"`` takes other sizes, ``ARGS=rooms`` only the rooms, and
``ARGS="--help"`` tells the rest.

Three processes take part, so that none is charged with what another one does:

1. The fleet (``bench.fleet``): kubelets and as much of an API server as a metrics server needs. Each kubelet has an
   address of its own in 127.0.0.0/8, all share one port; TLS with keep-alive, a certificate for ten of them, gzip when
   asked for. A body has the form that Kubernetes 1.33 gives it (rendered by the simulator), with the node, 30 pods of 2
   containers, a timestamp of each container's own, counters that grow and memory that moves. The API server
   lists and watches nodes and pods (metadata alone, with owners and managed fields as in a real cluster).
   The fleet notes the moment of every scrape; from these notes come missed and late nodes, and the two phases of a
   cycle: active, while kubelets are asked, and quiet, until the next cycle begins.
2. The server: ``kubevitals serve`` with a resolution of 15 s, verified certificates, and a token for the kubelets.
3. The driver, which asks it over one kept TLS connection, as the aggregation layer of kube-apiserver does: with the
   front proxy's certificate, and a member of ``system:masters`` in the headers.

A run begins with a new server, and each figure is the median of all runs (three, unless ``--runs`` says otherwise):

* First cycle: from the first connection to the last node's first scrape; every scrape includes a TLS handshake then.
* Steady state: whole cycles during which nothing else is asked. CPU time is the kernel's count for the process, user
  and system, in nanoseconds. Memory is the proportional set size at the end (PSS: pages shared with other processes
  count in part, as upstream's figures do), and the largest resident set there ever was.
* Latency: from the first byte sent to the last byte received, bodies left as they came. GET of one object is asked
  again and again, in the quiet phase (idle) and in the active one (during a cycle; apart from the others the cycles
  after one in which all pods were listed, in which they may be rendered ahead). Lists are asked for in quiet
  phases, each in three ways, since a server may keep what it rendered, and render ahead what was asked for before:
  again and again (nothing has changed meanwhile), once in each of two cycles (as whoever polls does), and for the
  first time. For gzip there is no first time of its own, as the list before it holds the same objects.
* Listed: what whole cycles cost in each of which all pods are listed once.
* Throughput: GET of one node over eight kept connections.

Upstream's figures beside them were measured with the same work: 1,000 loopback kubelets × 30 pods × 2 containers,
verified TLS, 15 s, two cores, medians of three. ``--against URL --pid PID`` measures any second server in the same
run; ``ARGS="fleet --nodes 1000"`` starts a fleet for it and prints the flags.
"""
