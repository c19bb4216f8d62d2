"""Standardises the parts of a source on Apache Beam. All chemistry, and all parsing, is in the process that the workers start.

Reads a manifest (`{"job": …, "parts": [{"part": 0, …}, …]}`), gives each part to a standardiser process, which reads the part's
records from the object store, and stores and records the outcome there; writes the answers as one JSON file, `{"parts": […]}`, in
the order of the parts. A part that fails is tried again by the runner; it fails the pipeline in the end.
"""

import argparse
import logging
import os
import shlex

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, WorkerOptions

from standardising import ReadManifest, Standardise, write_result

# In the image of the template; elsewhere TITRATE_STANDARDISER says what to run.
DEFAULT_PROCESS = "node /opt/titrate/dist/src/processing/standardiser-process.js"

def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", required=True, help="path or gs:// uri of the manifest of parts, JSON")
    parser.add_argument("--store", required=True, help="the object store: gs://bucket/prefix, or file: and a directory")
    parser.add_argument("--result", required=True, help="path or gs:// uri the answers are written to, JSON")
    parser.add_argument("--threads", type=int, default=1, help="RDKit threads of each worker process")
    parser.add_argument("--part_deadline", type=float, default=3600, help="longest time on one part, seconds")
    parser.add_argument("--gcs_endpoint", help="address of a server that stands in for Cloud Storage")
    known, beam_arguments = parser.parse_known_args(argv)

    command = shlex.split(os.environ.get("TITRATE_STANDARDISER", DEFAULT_PROCESS))
    command += ["--store", known.store, "--threads", str(known.threads)]
    if known.gcs_endpoint:
        command += ["--gcs-endpoint", known.gcs_endpoint]

    options = PipelineOptions(beam_arguments)
    # Workers need the image with Node in it; the template is built with its own name.
    worker = options.view_as(WorkerOptions)
    if not worker.sdk_container_image and os.environ.get("TITRATE_IMAGE"):
        worker.sdk_container_image = os.environ["TITRATE_IMAGE"]
    options.view_as(SetupOptions).save_main_session = False

    with beam.Pipeline(options=options) as pipeline:
        (
            pipeline
            | "Manifest" >> beam.Create([known.manifest])
            | "Parts" >> beam.ParDo(ReadManifest())
            # Else all parts stay in the one bundle, on the one worker, that read the manifest.
            | "Spread" >> beam.Reshuffle()
            | "Standardise" >> beam.ParDo(Standardise(command, known.part_deadline))
            | "Collect" >> beam.CombineGlobally(beam.combiners.ToListCombineFn())
            | "Result" >> beam.Map(write_result, known.result)
        )


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.INFO)
    main()
