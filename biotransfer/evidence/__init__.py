"""From curves and predictions to a verdict: measures, statistics, baselines and checks."""
