"""A progress bar by tqdm, where it is installed; in notebooks its own form."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Iterator

Update = Callable[[float, "dict[str, Any] | None"], None]


@contextlib.contextmanager
def bar(wanted: bool, what: str) -> Iterator[Update | None]:
    if not wanted:
        yield None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield None
        return
    with tqdm(total=100, desc=what, unit="%", bar_format="{desc} {percentage:3.0f}%|{bar}| {postfix}") as shown:

        def update(done: float, facts: dict[str, Any] | None) -> None:
            shown.update(max(0.0, 100 * done - shown.n))
            if facts:
                shown.set_postfix(epoch=facts["epoch"], step=facts["step"], refresh=False)

        yield update
