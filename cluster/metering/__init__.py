"""What operators watch: metrics, traces and costs, gathered beside the work."""
