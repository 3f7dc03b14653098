"""Reference motion: retargeting fingertip goals to joint angles."""
