"""What every process of a node needs: settings, keys, servers and clients, life and telemetry."""
