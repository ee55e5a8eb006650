"""Accept people in."""
