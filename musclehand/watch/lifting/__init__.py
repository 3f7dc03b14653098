"""From points of a hand in the picture to joint angles and a forearm: the parts of `watch.lift`."""
