"""Hot issues: letters about one matter found as they come, folded, named, and measured against a baseline."""
