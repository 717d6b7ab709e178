"""Every error bodyswap raises on purpose.

It does not know how an error is shown; `exit_code` is the only hint it gives the command line.

    BodyswapError                 1   anything below
    ├── InputError                2   the request cannot be met as written
    │   ├── UsageError            2   an option or setting is unknown or out of range
    │   ├── PlateError            3   the driving video cannot be read, or lacks what was asked
    │   │   └── NoPerformerError  4   no person was found in it
    │   ├── SubjectError          5   the subject is missing, damaged, or does not fit the request
    │   └── ConsentError          9   nobody's valid consent covers what was asked
    ├── ModelError                6   a pose model's config, weights and skeleton do not fit
    │   └── EngineError           6   what should run a network is missing, or gives other answers
    ├── StoreError                7   the store refused or lost something
    │   └── IntegrityError        7   stored bytes are not what their commit says
    │       └── UnprovenError    10   a file's origin is known, but nobody signed for this file
    └── JobError                  8   a farm job ended without a shot
"""


class BodyswapError(Exception):
    """Root of the tree. The message says what was wrong, the value got, and what to do."""

    exit_code = 1


class InputError(BodyswapError):
    exit_code = 2


class UsageError(InputError):
    exit_code = 2


class PlateError(InputError):
    exit_code = 3


class NoPerformerError(PlateError):
    exit_code = 4


class SubjectError(InputError):
    exit_code = 5


class ConsentError(InputError):
    exit_code = 9


class ModelError(BodyswapError):
    exit_code = 6


class EngineError(ModelError):
    exit_code = 6


class StoreError(BodyswapError):
    exit_code = 7


class IntegrityError(StoreError):
    exit_code = 7


class UnprovenError(IntegrityError):
    exit_code = 10


class JobError(BodyswapError):
    exit_code = 8
