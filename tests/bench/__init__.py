"""Speed and size of the platform, each beside a yardstick measured in the same run: `make bench`."""
