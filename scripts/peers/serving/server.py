"""The same service as people write it in Python: FastAPI, RDKit, ONNX Runtime, one process on one core.

server.py MODEL.onnx TRAINING.ndjson PORT: POST /predict {"smiles": [...]} standardises, featurises, predicts, and finds the nearest
training molecule. The model is the file that `titrate models export` wrote, and reads descriptors or Morgan fingerprints. uvicorn takes
uvloop and httptools where they are installed; answers are written by orjson; nothing is done twice.
"""

import json
import sys

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI
from fastapi.responses import ORJSONResponse
from pydantic import BaseModel
from rdkit import Chem, DataStructs, RDLogger
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors
from rdkit.Chem.MolStandardize import rdMolStandardize

RDLogger.DisableLog("rdApp.*")
model_file, training_file, port = sys.argv[1:4]

options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
session = ort.InferenceSession(model_file, options, providers=["CPUExecutionProvider"])
description = json.loads(session.get_modelmeta().custom_metadata_map["titrate"])
(section,) = description["input"]["sections"]

disconnector = rdMolStandardize.MetalDisconnector()
normalizer = rdMolStandardize.Normalizer()
largest = rdMolStandardize.LargestFragmentChooser(preferOrganic=True)
uncharger = rdMolStandardize.Uncharger()
fingerprints = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)

with open(training_file) as lines:
    training = [json.loads(line) for line in lines]
known = [fingerprints.GetFingerprint(Chem.MolFromSmiles(row["smiles"])) for row in training]

if section["kind"] == "descriptors":
    properties = rdMolDescriptors.Properties(section["names"])

    def features_of(mol, fingerprint):
        return np.array(properties.ComputeProperties(mol), dtype=np.float32)

elif section["kind"] == "bits" and section["featurizer"] == description["featurizer"] == {
    "kind": "morgan",
    "radius": 2,
    "bits": 2048,
    "counts": "none",
}:
    first, last = section["column"], section["column"] + section["count"]

    def features_of(mol, fingerprint):
        row = np.zeros(2048, dtype=np.float32)
        row[list(fingerprint.GetOnBits())] = 1
        return row[first:last]

else:
    sys.exit(f"server.py knows descriptors and ECFP4 of 2,048 bits; this model reads {section['kind']}")


class Request(BaseModel):
    smiles: list[str]


app = FastAPI()


def standardise(smiles: str):
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        return None
    mol = uncharger.uncharge(normalizer.normalize(largest.choose(disconnector.Disconnect(mol))))
    # Canonical, and read again, so that the features are those of the standard form.
    standard = Chem.MolToSmiles(mol)
    mol = Chem.MolFromSmiles(standard)
    return None if mol is None else (standard, mol, fingerprints.GetFingerprint(mol))


@app.post("/predict")
async def predict(request: Request):
    found = [standardise(smiles) for smiles in request.smiles]
    good = [one for one in found if one is not None]
    figures = iter(())
    if good:
        features = np.stack([features_of(mol, fingerprint) for _, mol, fingerprint in good])
        value, deviation = session.run(["value", "standardDeviation"], {"features": features})
        figures = iter(zip(value.tolist(), deviation.tolist()))
    predictions = []
    for smiles, one in zip(request.smiles, found):
        if one is None:
            predictions.append({"smiles": smiles, "error": "cannot be parsed"})
            continue
        standard, _, fingerprint = one
        mean, sd = next(figures)
        similarities = DataStructs.BulkTanimotoSimilarity(fingerprint, known)
        similarity = max(similarities)
        nearest = similarities.index(similarity)
        predictions.append(
            {
                "smiles": smiles,
                "standardSmiles": standard,
                "value": mean,
                "standardDeviation": sd,
                "interval90": [mean - 1.6449 * sd, mean + 1.6449 * sd],
                "nearest": {"similarity": similarity, "smiles": training[nearest]["smiles"]},
            }
        )
    # A response, not a dictionary: FastAPI then writes it as it is.
    return ORJSONResponse({"predictions": predictions})


@app.get("/v2/health/ready")
async def ready():
    return {"ready": True}


uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)
