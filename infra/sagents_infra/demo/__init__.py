"""`make demo`: the main job on a real Temporal, with a worker killed in the middle and a person asked."""
