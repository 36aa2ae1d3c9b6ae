"""InfluxDB of a territory: what it should be, what it is, and the steps between; 1.8+ and 2.x."""
