"""Learning from watching: a film of a pianist and its sound become notes, fingers and motion.

The film goes through stages, each of which can be used alone: hands in the picture
(`watch.landmarks`), the keyboard in the picture (`watch.view`), notes of the sound
(`watch.transcribe`), the clock between both (`watch.clock`), fingers (`watch.evidence`), and joint
angles (`watch.lift`). `watch.demonstration` runs all of them.
"""
