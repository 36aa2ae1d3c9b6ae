"""PMX Systems: radar counters, the successors of those of Parametric."""
