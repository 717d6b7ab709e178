"""From committed shards to a published shot, and from there into people's folders."""
