"""Acts that are rarer, by their matter; their forms are drawn from their inputs."""
