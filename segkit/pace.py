"""Images over seconds, of the steps alone."""

import time


class Pace:
    """A clock that runs in training steps and stands in validation, drawing and writing."""

    def __init__(self) -> None:
        self.images = 0
        self.seconds = 0.0
        self._started: float | None = None

    def start(self) -> None:
        """Let the clock run; one that runs already is left alone."""
        if self._started is None:
            self._started = time.perf_counter()

    def stop(self) -> bool:
        """Halt the clock; whether it was running."""
        if self._started is None:
            return False
        self.seconds += time.perf_counter() - self._started
        self._started = None
        return True

    def images_per_second(self) -> float:
        """So far; 0 before the first step."""
        running = time.perf_counter() - self._started if self._started is not None else 0.0
        total = self.seconds + running
        return self.images / total if total > 0 else 0.0
