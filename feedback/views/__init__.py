"""Pages for citizens and staff, and the interface for programs."""
