"""Which nodes of a cluster are used."""

from bardtune.search.launch.cluster.messages import NodeFacts
from bardtune.search.launch.cluster.nodes import ANSWER_WITHIN_S, Node, NodeList, most_room

OURS = {"bardtune": "1", "torch": "2"}


def facts(host: str, cpu: str = "xeon", **versions: str) -> NodeFacts:
    return NodeFacts(host=host, cpu=cpu, numba=True, versions={**OURS, **versions})


class Cluster:
    """A list of nodes, and what it says."""

    def __init__(self, *, threads: int = 1, **changes) -> None:
        self.said: list[str] = []
        self.now = 0.0
        given = {"kind": None, "is_mixed": False, "known": {}, "clock": lambda: self.now, **changes}
        self.list = NodeList(threads=threads, versions=OURS, say=self.said.append, **given)

    def joins(self, alive: dict[str, int], **told: NodeFacts) -> list[int]:
        """Numbers of the nodes that are used when these are alive and have told these facts."""
        joined, _ = self.list.update(alive)
        for node in joined:
            if node.node_id in told:
                self.list.told(node, told[node.node_id])
        return [node.number for node in self.list.usable()]


def test_the_commonest_kind_by_room_is_taken_once_all_have_told_and_the_others_are_left_out_with_a_reason() -> None:
    cluster = Cluster()
    assert cluster.joins({"a": 2, "b": 8, "c": 2}, a=facts("alpha"), b=facts("beta", "epyc")) == []  # c is still asked
    cluster.list.told(cluster.list.by_id["c"], facts("gamma"))
    assert [node.facts.host for node in cluster.list.usable()] == ["beta"]
    assert cluster.said == [
        "the node alpha is left out: it is xeon, and the runs of this study are made on epyc, with which they would "
        "not compare; --mixed-machines takes all",
        "node 1 is beta: 8 CPUs, epyc",
        "the node gamma is left out: it is xeon, and the runs of this study are made on epyc, with which they would "
        "not compare; --mixed-machines takes all",
    ]


def test_a_study_that_has_runs_stays_on_their_kind_and_mixed_machines_takes_all() -> None:
    both = {"a": facts("alpha"), "b": facts("beta", "epyc")}
    assert Cluster(kind=("xeon", True)).joins({"a": 1, "b": 8}, **both) == [1]
    assert Cluster(kind=("xeon", False)).joins({"a": 1, "b": 8}, **both) == []
    assert Cluster(is_mixed=True).joins({"a": 1, "b": 8}, **both) == [1, 2]


def test_other_versions_too_few_cpus_and_a_head_that_only_directs_are_not_used() -> None:
    cluster = Cluster(threads=2)
    assert cluster.joins({"head": 0, "a": 1, "b": 2}, b=facts("beta", torch="3")) == []
    assert cluster.said == [
        "a node is left out: it has 1 CPUs, and a run has 2 threads",
        "the node beta is left out: it has torch 3, and here it is torch 2",
    ]
    assert [node.refusal for node in cluster.list.by_id.values()] == [
        "it has 1 CPUs, and a run has 2 threads",
        "it has torch 3, and here it is torch 2",
    ]


def test_a_host_keeps_its_number_over_sessions_and_when_it_comes_back() -> None:
    cluster = Cluster(known={"beta": [1], "alpha": [2, 4]})
    assert cluster.joins({"a": 1}, a=facts("alpha")) == [2]
    assert cluster.joins({"a": 1, "a2": 1, "new": 1}, a2=facts("alpha"), new=facts("delta")) == [2, 4, 5]
    joined, gone = cluster.list.update({"a2": 1, "new": 1})
    assert (joined, [node.number for node in gone]) == ([], [2])
    assert "node 2 is gone" in cluster.said
    assert cluster.joins({"a2": 1, "new": 1, "a3": 1}, a3=facts("alpha")) == [2, 4, 5]


def test_workers_spread_over_the_nodes() -> None:
    big, small = Node("big", 5), Node("small", 2)
    places = []
    for _ in range(4):
        node = most_room([big, small], threads=2, now=0.0)
        if node is None:
            places.append("none")
            continue
        node.num_workers += 1
        places.append(node.node_id)
    assert places == ["big", "big", "small", "none"]
    big.num_workers, big.rests_until = 0, 10.0
    assert most_room([big, small], threads=2, now=9.0) is None
    assert most_room([big, small], threads=2, now=10.0) is big


def test_a_node_that_does_not_say_what_it_is_keeps_nobody_waiting_for_ever() -> None:
    cluster = Cluster()
    assert cluster.joins({"a": 2, "mute": 8}, a=facts("alpha")) == []
    cluster.now = ANSWER_WITHIN_S
    assert [node.number for node in cluster.list.usable()] == [1]
    cluster.list.told(cluster.list.by_id["mute"], facts("beta"))
    assert [node.number for node in cluster.list.usable()] == [1, 2]
