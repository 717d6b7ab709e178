"""The review page and its JSON API: a shot is looked at while it renders, and judged."""
