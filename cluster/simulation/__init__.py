"""The farm's own code under every fault there is, in simulated time: thousands of lives a minute.

Real: the controller with `decide`, `lease`, `commit`, the ledger and the journal. Simulated: the
store's memory, the network, the workers, their deaths, and the clocks. One seed, one history.
"""
