"""The steps of the pipeline. A module of its own, so that workers import it instead of unpickling it."""

import json

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from standardiser import acquire, release


class ReadManifest(beam.DoFn):
    """The path of a manifest → (job, part) for each part."""

    def process(self, path):
        with FileSystems.open(path) as file:
            manifest = json.loads(file.read().decode("utf-8"))
        for part in manifest["parts"]:
            yield manifest["job"], part


class Standardise(beam.DoFn):
    """(job, part) → the answer of the standardiser process."""

    def __init__(self, command, deadline):
        self._command = command
        self._deadline = deadline

    def setup(self):
        self._standardiser = acquire(self._command, self._deadline)

    def process(self, element):
        job, part = element
        answer = self._standardiser.ask(job, part)
        yield {"part": answer["part"], "cached": answer["cached"], **answer["output"]}

    def teardown(self):
        release(self._standardiser)


def write_result(answers, path):
    parts = sorted(answers, key=lambda answer: answer["part"])
    with FileSystems.create(path, mime_type="application/json") as file:
        file.write(json.dumps({"parts": parts}, sort_keys=True).encode("utf-8"))
