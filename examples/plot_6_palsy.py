"""
A palsy
=======

Low ulnar palsy silences the interossei and the adductor of the thumb. Which muscles work instead?
"""

import matplotlib.pyplot as plt
import numpy as np

import musclehand as mh
from musclehand.body.build.tables import load_tables
