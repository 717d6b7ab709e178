"""What a farm's metrics say, asked as Prometheus asks."""

import socket
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[str]], float]


def free_address() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def scraped(address: str) -> Samples:
    """Every sample, by its name and the values of its labels."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def found(samples: Samples, name: str, *labels: str) -> float:
    return samples[f"bodyswap_{name}", frozenset(labels)]
