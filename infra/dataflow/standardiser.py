"""The standardiser process, seen from Python: requests go in by line, answers come out in any order.

Protocol: src/processing/standardiser-protocol.ts.
"""

import collections
import concurrent.futures
import itertools
import json
import logging
import subprocess
import threading

LOG = logging.getLogger("titrate.standardiser")

# A request that outlives this many processes is what brings them down, or nothing works at all.
MAX_PROCESSES_A_REQUEST = 3
STDERR_LINES_KEPT = 20


class ProcessDied(Exception):
    """The process ended, or was ended, before it answered."""


class PartFailed(Exception):
    """The process answered that the part cannot be standardised."""


_shared = {}
_shared_lock = threading.Lock()


def acquire(command, deadline):
    """The standardiser of this worker process, shared by all its threads; `release` it in the end.

    Where nobody releases it (Beam promises no teardown) the process ends with its standard input, which is with this one.
    """
    key = (tuple(command), deadline)
    with _shared_lock:
        standardiser = _shared.setdefault(key, Standardiser(command, deadline))
        standardiser.users += 1
        return standardiser


def release(standardiser):
    with _shared_lock:
        standardiser.users -= 1
        if standardiser.users > 0:
            return
        for key in [key for key, value in _shared.items() if value is standardiser]:
            del _shared[key]
    standardiser.close()


class Standardiser:
    """One process that is started when it is needed, and again when it dies. Safe to use from several threads.

    command: the program and its arguments. deadline: the longest wait for one answer, seconds; then the process is ended.
    """

    def __init__(self, command, deadline):
        self._command = list(command)
        self._deadline = deadline
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._running = None
        self.users = 0

    def ask(self, job, part):
        """Standardises one part; returns the answer. Raises PartFailed or ProcessDied."""
        for attempt in range(1, MAX_PROCESSES_A_REQUEST + 1):
            running = self._process()
            request = next(self._ids)
            try:
                answer = running.ask({"id": request, "job": job, "part": part}, request, self._deadline)
            except ProcessDied as error:
                self._forget(running)
                LOG.warning("part %s, attempt %s: %s", part["part"], attempt, error)
                if attempt == MAX_PROCESSES_A_REQUEST:
                    raise
                continue
            if not answer["ok"]:
                raise PartFailed(f"part {part['part']}: {answer['message']} ({answer['code']})")
            return answer
        raise AssertionError("unreachable")

    def close(self):
        with self._lock:
            running, self._running = self._running, None
        if running:
            running.close()

    def _process(self):
        with self._lock:
            if self._running is None or self._running.dead:
                self._running = _Running(self._command)
            return self._running

    def _forget(self, running):
        running.kill()
        with self._lock:
            if self._running is running:
                self._running = None


class _Running:
    def __init__(self, command):
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise ProcessDied(f"{command[0]} cannot be started: {error}") from error
        self.dead = False
        self._write = threading.Lock()
        self._waiting = {}
        self._last_words = collections.deque(maxlen=STDERR_LINES_KEPT)
        self._listeners = [
            threading.Thread(target=target, daemon=True) for target in (self._read_answers, self._read_log)
        ]
        for listener in self._listeners:
            listener.start()

    def ask(self, message, request, deadline):
        answer = concurrent.futures.Future()
        with self._write:
            if self.dead:
                raise ProcessDied(self._epitaph())
            self._waiting[request] = answer
            try:
                self._process.stdin.write(json.dumps(message) + "\n")
                self._process.stdin.flush()
            except OSError as error:
                self._waiting.pop(request, None)
                raise ProcessDied(self._epitaph()) from error
        try:
            return answer.result(timeout=deadline)
        except concurrent.futures.TimeoutError as error:
            raise ProcessDied(f"no answer within {deadline} s") from error

    def close(self):
        """Lets the process end by itself: it does when its input ends."""
        try:
            self._process.stdin.close()
            self._process.wait(timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self.kill()

    def kill(self):
        self.dead = True
        self._process.kill()
        self._process.wait()

    def _read_answers(self):
        for line in self._process.stdout:
            try:
                answer = json.loads(line)
                waiting = self._waiting.pop(answer["id"], None)
            except (ValueError, KeyError, TypeError):
                LOG.error("not an answer: %s", line.rstrip()[:500])
                break
            if waiting:
                waiting.set_result(answer)
        with self._write:
            self.dead = True
            waiting, self._waiting = list(self._waiting.values()), {}
        self._process.kill()
        self._listeners[1].join(timeout=5)
        for future in waiting:
            future.set_exception(ProcessDied(self._epitaph()))

    def _read_log(self):
        for line in self._process.stderr:
            self._last_words.append(line.rstrip())
            LOG.warning("%s", line.rstrip())

    def _epitaph(self):
        # A pipe breaks a moment before the process is gone.
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        self._listeners[1].join(timeout=5)
        words = " / ".join(self._last_words)
        return f"the standardiser process ended (exit status {code}){': ' + words if words else ''}"
