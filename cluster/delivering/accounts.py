"""Where costs and accounts lie in the store.

    farm/costs.yaml               the operator's rates and budgets
    farm/accounts/<project>.json  what a project has cost
    jobs/<job>/account.json       what a job has cost
    jobs/<job>/budget.json        what it may cost, where that was changed after it was submitted

It does not know who charges.
"""

from dataclasses import dataclass

from cluster.jobs.costs import Account, Costs
from cluster.jobs.job import JobSpec
from cluster.jobs.keys import ACCOUNTS, COSTS, JobKeys, key_part
from cluster.stores.record import from_json, from_yaml, to_json
from cluster.stores.store import Store


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a job may cost, in the operator's currency, and who said so."""

    amount: float
    by: str = ""


def read_costs(store: Store) -> Costs:
    """The operator's, or none at all. Raises IntegrityError where the file is damaged."""
    data = store.get(COSTS)
    return Costs() if data is None else from_yaml(data, Costs, what=COSTS)


def read_account(store: Store, job: str) -> Account | None:
    """What the job has cost; None where nothing was charged yet."""
    return _read(store, JobKeys(job=job).account)


def write_account(store: Store, job: str, account: Account) -> None:
    store.put(JobKeys(job=job).account, to_json(account))


def read_project_account(store: Store, project: str) -> Account | None:
    return _read(store, _of_project(project))


def write_project_account(store: Store, project: str, account: Account) -> None:
    store.put(_of_project(project), to_json(account))


def read_budget(store: Store, spec: JobSpec) -> float | None:
    """What the job may cost: as it was submitted, or as somebody said last."""
    key = JobKeys(job=spec.job).budget
    data = store.get(key)
    return spec.budget if data is None else from_json(data, Budget, what=key).amount


def write_budget(store: Store, job: str, budget: Budget) -> None:
    store.put(JobKeys(job=job).budget, to_json(budget))


def _read(store: Store, key: str) -> Account | None:
    data = store.get(key)
    return None if data is None else from_json(data, Account, what=key)


def _of_project(project: str) -> str:
    return f"{ACCOUNTS}{key_part(project)}.json"
