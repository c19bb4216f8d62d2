# For machines with an NVIDIA GPU: the gpu worker, and what a custom job of Vertex AI runs. Context: the root of the repository.
# TensorFlow 2.15 asks for CUDA 12.2 and cuDNN 8.9 (tensorflow.org/install/source#gpu). The package's own download is TensorFlow 2.9, of
# CUDA 11; here its addon is built against the libraries of the PyPI wheel, which is the build with GPU kernels.
FROM python:3.11.14-slim-bookworm AS tensorflow
WORKDIR /tensorflow
RUN pip download --no-cache-dir --no-deps --only-binary=:all: --dest . tensorflow==2.15.1 \
  && python -m zipfile -e tensorflow-*.whl . \
  && rm tensorflow-*.whl

# An older glibc than the final image's, so that what is compiled here runs there.
FROM node:22.21.1-bullseye AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY --from=tensorflow /tensorflow/tensorflow/include ./node_modules/@tensorflow/tfjs-node-gpu/deps/include
COPY --from=tensorflow /tensorflow/tensorflow/libtensorflow_cc.so.2 /tensorflow/tensorflow/libtensorflow_framework.so.2 ./node_modules/@tensorflow/tfjs-node-gpu/deps/lib/
WORKDIR /app/node_modules/@tensorflow/tfjs-node-gpu
RUN ln -s libtensorflow_cc.so.2 deps/lib/libtensorflow.so \
  && ln -s libtensorflow_framework.so.2 deps/lib/libtensorflow_framework.so \
  && PATH="/app/node_modules/.bin:$PATH" node-pre-gyp install --build-from-source --nodedir=/usr/local \
  && rm -rf deps/include
WORKDIR /app
COPY scripts ./scripts
COPY src ./src
COPY workflows ./workflows
COPY activities ./activities
COPY workers ./workers
COPY infra/docker/slim-modules.cjs ./infra/docker/slim-modules.cjs
ARG SOURCE_DATE_EPOCH=0
RUN node scripts/build.cjs \
  && node infra/docker/slim-modules.cjs node_modules dist package.json

FROM nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04
# Cloud Storage is reached by TLS.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 1000 --create-home node \
  && mkdir -p /data /work \
  && chown node:node /data /work
COPY --from=build /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/package.json ./package.json
ENV NODE_ENV=production \
  TITRATE_HOME=/data \
  TITRATE_WORKING_DIRECTORY=/work \
  TF_FORCE_GPU_ALLOW_GROWTH=true
USER 1000
STOPSIGNAL SIGTERM
# A job's specification and a pod's say command and arguments; this is what a job's says.
CMD ["node", "--enable-source-maps", "dist/workers/training-job.js"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="titrate training" \
  org.opencontainers.image.description="Workers and training jobs of titrate for NVIDIA GPUs" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
